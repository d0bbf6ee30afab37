package ident

import "fmt"

// Key names one worker: its slot, the preloader that it was forked from, and a serial
// number that no other worker of this supervisor has, so that a late message
// about a worker that has ended never confuses its successor.
type Key struct {
	Slot       int `json:"slot"`
	Generation int `json:"generation"`
	Refork     int `json:"refork"`
	Serial     int `json:"serial"`
}

// Origin is the preloader that the worker was forked from.
func (k Key) Origin() Origin { return Origin{k.Generation, k.Refork} }

// String is the identity in messages for people.
func (k Key) String() string {
	return fmt.Sprintf("slot=%d %s serial=%d", k.Slot, k.Origin(), k.Serial)
}
