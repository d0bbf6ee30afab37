package ident

import "fmt"

// Key names one worker: its slot, the preloader that it was forked from, and a serial
// number that no other worker of this supervisor has, so that a late message
// about a worker that has ended never confuses its successor. A spare has no slot until it is given one.
type Key struct {
	Slot       int `json:"slot"` // or NoSlot
	Generation int `json:"generation"`
	Refork     int `json:"refork"`
	Serial     int `json:"serial"`
}

// NoSlot is in the place of a slot's number.
const NoSlot = -1

// Same says whether another key is of the same worker, which may have been given a slot in between.
func (k Key) Same(other Key) bool {
	if k.Slot == NoSlot {
		other.Slot = NoSlot
	}
	return k == other
}

// Origin is the preloader that the worker was forked from.
func (k Key) Origin() Origin { return Origin{k.Generation, k.Refork} }

// String is the identity in messages for people.
func (k Key) String() string {
	if k.Slot == NoSlot {
		return fmt.Sprintf("spare %s serial=%d", k.Origin(), k.Serial)
	}
	return fmt.Sprintf("slot=%d %s serial=%d", k.Slot, k.Origin(), k.Serial)
}
