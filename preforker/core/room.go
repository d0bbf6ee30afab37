package core

// A restart needs memory for a second release: its preloader, and one worker beside the one whose place it takes, as the slots roll one
// at a time. That is known from the release that serves. Where less is available the restart goes on, since an estimate is no reason
// to keep old code, but what serves nobody makes room: the spare, and the log says why processes may be killed.

// RoomIsShort says that there may be too little memory for two releases.
type RoomIsShort struct {
	fact
	Need      uint64 // bytes
	Available uint64
	Spare     bool // the spare leaves
}

// makeRoom has a load begin with as much room as there can be.
func (c *Core) makeRoom() {
	need, available := c.budget.preloader+c.budget.bytes, c.available
	if available == 0 || c.budget.preloader == 0 || need <= available {
		return
	}
	w := c.spare.worker
	drop := w != nil && !w.leaving()
	c.do(RoomIsShort{Need: need, Available: available, Spare: drop})
	if drop {
		c.dropSpare(ReasonNoRoom)
	}
}
