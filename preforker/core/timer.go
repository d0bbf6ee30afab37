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
	TimerPreloaderBoot    TimerKind = "preloader boot"    // generation, refork
	TimerPreloaderKill    TimerKind = "preloader kill"    // generation, refork
	TimerPreloaderChannel TimerKind = "preloader channel" // generation
	TimerPriority         TimerKind = "priority"          // generation
	TimerReload           TimerKind = "reload"            // generation: the one that is gone
	TimerWorkerBoot       TimerKind = "worker boot"       // key
	TimerWorkerDrain      TimerKind = "worker drain"      // key
	TimerWorkerChannel    TimerKind = "worker channel"    // key
	TimerLimit            TimerKind = "limit"             // key
	TimerLocate           TimerKind = "locate"            // key
	TimerBacktrace        TimerKind = "backtrace"         // key
	TimerAge              TimerKind = "age"               // key
	TimerSlot             TimerKind = "slot"              // slot; serial: its count of waits
	TimerRefork           TimerKind = "refork"
	TimerProof            TimerKind = "proof" // key
	TimerPace             TimerKind = "pace"
	TimerSeed             TimerKind = "seed"  // generation
	TimerSpare            TimerKind = "spare" // serial: its count of waits
	TimerIdle             TimerKind = "idle"
	TimerSound            TimerKind = "sound" // key, of a worker, or generation
	TimerStop             TimerKind = "stop"
)
