package ident

import "fmt"

// Origin names a preloader: the generation of its code and, where it was forked from a warm worker
// rather than started, a number that no other of that generation has.
type Origin struct {
	Generation int `json:"generation"`
	Refork     int `json:"refork"` // 0: it was started
}

// Before says whether another preloader came later.
func (o Origin) Before(other Origin) bool {
	if o.Generation != other.Generation {
		return o.Generation < other.Generation
	}
	return o.Refork < other.Refork
}

// Key is the preloader's own, without slot and serial.
func (o Origin) Key() Key { return Key{Generation: o.Generation, Refork: o.Refork} }

// String is the identity in messages for people.
func (o Origin) String() string {
	if o.Refork == 0 {
		return fmt.Sprintf("gen=%d", o.Generation)
	}
	return fmt.Sprintf("gen=%d refork=%d", o.Generation, o.Refork)
}
