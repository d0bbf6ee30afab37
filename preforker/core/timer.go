package core

import "launcher/preforker/ident"

// Timer names a deadline. Its fields say what it is about; a timer that nobody
// is waiting for any more is ignored when it fires, so none is ever taken back.
type Timer struct {
	Kind TimerKind
	Key  ident.Key // as much of it as the kind has
}

// TimerKind is what a timer is for.
type TimerKind string

// The kinds, with the parts of the key that each has.
const (
	timerPreloaderBoot    TimerKind = "preloader boot"    // generation, refork
	timerPreloaderKill    TimerKind = "preloader kill"    // generation, refork
	timerPreloaderChannel TimerKind = "preloader channel" // generation
	timerReload           TimerKind = "reload"            // generation: the one that is gone
	timerWorkerBoot       TimerKind = "worker boot"       // key
	timerWorkerDrain      TimerKind = "worker drain"      // key
	timerWorkerChannel    TimerKind = "worker channel"    // key
	timerSlot             TimerKind = "slot"              // slot; serial: its count of deaths
	timerRefork           TimerKind = "refork"
	timerStop             TimerKind = "stop"
)
