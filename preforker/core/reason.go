package core

// Reason says why something left its state. It stands beside the state, never
// in it.
type Reason string

// Why a worker or a preloader leaves.
const (
	ReasonCrashed     Reason = "crashed"
	ReasonBootFailed  Reason = "boot failed"
	ReasonOutOfMemory Reason = "ended by the kernel, as memory was short"
	ReasonBootTimeout Reason = "boot timeout"
	ReasonProbeFailed Reason = "failed its probe"
	ReasonRolled      Reason = "replaced by a newer generation"
	ReasonStopping    Reason = "stopping"
	ReasonLost        Reason = "its preloader died while forking it"
	ReasonUnbound     Reason = "its socket was removed"
	ReasonHeld        Reason = "its release is held back"
	ReasonRemoved     Reason = "there are fewer slots"
	ReasonUnneeded    Reason = "its slot is not needed any more"
	ReasonIdle        Reason = "idle"
	// By its own decision, or by a signal that somebody else has sent.
	ReasonLeft Reason = "left by itself"
	// By a wish of an operator.
	ReasonKilled Reason = "asked for by launcher kill"
	// It was there and served nobody.
	ReasonChannelClosed Reason = "closed its channel"
	ReasonServedNobody  Reason = "took no connections"
	ReasonTookNoSlot    Reason = "did not take its slot"
	ReasonNotLeaving    Reason = "did not leave"
	// It has passed a limit.
	ReasonRequestTimeout Reason = "request timeout"
	ReasonMemoryLimit    Reason = "memory limit"
	// A fork of the same generation took its place.
	ReasonOverBudget   Reason = "over budget"
	ReasonManyRequests Reason = "served its number of requests"
	ReasonTooOld       Reason = "reached its age"
	ReasonRecycled     Reason = "recycled for the application"
	ReasonReforked     Reason = "replaced by a fork of a warm worker"
	ReasonPrepared     Reason = "replaced by a fork of what was prepared"
	// Of a spare.
	ReasonOldSpare Reason = "slots are filled from another preloader"
	ReasonNoRoom   Reason = "no memory for a spare"
	// Of a preloader that was forked from a worker: its own workers turned out not to work.
	ReasonUnsound Reason = "its workers failed"
	// The same, more exactly.
	ReasonDiedEarly Reason = "its worker died early"
	ReasonNotBegun  Reason = "the worker left before it had begun"
	// Why a generation does not grow from its seeds any more.
	ReasonSeedTime   Reason = "none was warm in time"
	ReasonManySlots  Reason = "there are more slots than they can serve"
	ReasonNoRefork   Reason = "no preloader could be forked from one"
	ReasonFilled     Reason = "no slot is without a worker"
	ReasonSuperseded Reason = "a newer generation has loaded"
)

// patient says whether a worker may take all the time that its last request needs: nothing is wrong with it.
func (r Reason) patient() bool {
	return r.Renewal() || r == ReasonUnbound || r == ReasonRemoved || r == ReasonIdle
}

// hasSuccessor says whether somebody serves the slot after a worker that leaves for this: another worker of the slot, one that is lent
// its socket, or those of other slots, which get what it keeps.
func (r Reason) hasSuccessor() bool {
	return r.Renewal() || r == ReasonRolled || r == ReasonHeld || r == ReasonUnbound || r == ReasonRemoved || r == ReasonIdle ||
		r == ReasonKilled || r.limit()
}

// Renewal says whether a worker leaves for a fork of its own generation.
func (r Reason) Renewal() bool {
	return r == ReasonOverBudget || r == ReasonManyRequests || r == ReasonTooOld || r == ReasonRecycled ||
		r == ReasonReforked || r == ReasonPrepared
}

// Restarts says whether the slot of a worker that has ended for this gets another one, or has it. If not, its end was all that was wanted.
func (r Reason) Restarts() bool {
	switch r {
	case ReasonStopping, ReasonRemoved, ReasonUnneeded, ReasonIdle, ReasonOldSpare, ReasonNoRoom:
		return false
	}
	return true
}

// failure says whether a worker that leaves, or was killed, has failed itself, as one that died has.
func (r Reason) failure() bool {
	return r == ReasonBootTimeout || r == ReasonChannelClosed || r == ReasonServedNobody || r == ReasonTookNoSlot ||
		r == ReasonNotLeaving || r == ReasonLeft || r.limit()
}

// limit says whether a worker has passed a limit.
func (r Reason) limit() bool { return r == ReasonRequestTimeout || r == ReasonMemoryLimit }

// successorReason says why a worker gives way to a newer one of its slot.
func successorReason(older, newer *worker) Reason {
	switch {
	case older.key.Generation > newer.key.Generation:
		return ReasonHeld
	case older.key.Generation != newer.key.Generation:
		return ReasonRolled
	case older.renewal != "":
		return older.renewal
	case older.early:
		return ReasonPrepared
	default:
		return ReasonReforked
	}
}
