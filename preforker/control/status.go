package control

import (
	"context"
	"time"

	"launcher/preforker/ident"
	"launcher/preforker/proc"
)

// StatusVersion is the version of a Status as JSON. Fields that are added do not change it.
const StatusVersion = 1

// statusPath is where the status is asked for.
const statusPath = "/status"

// StatusVerb is GET /status.
func StatusVerb(status func(context.Context) (Status, error)) Verb { return Get(statusPath, status) }

// Status is what a running launcher tells of itself, and its JSON. Sizes are bytes, Seconds are for
// how long something has been as it is, at Time.
type Status struct {
	Version     int                `json:"version"`
	Time        time.Time          `json:"time"`
	Launcher    string             `json:"launcher_version"`
	Pid         int                `json:"pid"` // of the launcher
	Started     time.Time          `json:"started"`
	State       string             `json:"state"` // loading, running, stopping
	Readiness   Readiness          `json:"readiness"`
	Root        string             `json:"root"`
	SocketDir   string             `json:"socket_dir"`
	SpawnMethod string             `json:"spawn_method"` // smart, direct
	Limits      LimitsStatus       `json:"limits"`
	Memory      MemoryStatus       `json:"memory"`
	Generations []GenerationStatus `json:"generations"` // oldest first
	FailedLoad  *FailedLoad        `json:"failed_load"` // nil: the last load succeeded, or is under way
	Failing     *GenerationFailure `json:"failing"`     // nil: loads have not failed again and again
	Slots       []SlotStatus       `json:"slots"`       // in their order
	Collections *CollectionStatus  `json:"collections"` // of all workers that are there; nil: none has told
	Spare       *WorkerStatus      `json:"spare"`       // nil: there is none
	Front       *FrontStatus       `json:"front"`       // nil: HTTP is somebody else's
	Workers     WorkersStatus      `json:"workers"`
	Requests    RequestsStatus     `json:"requests"`
	Restarts    map[string]uint64  `json:"restarts"` // by reason, of all slots, also of those that were removed
	Queue       QueueStatus        `json:"queue"`
	Reforks     uint64             `json:"reforks"`      // that took over
	Releases    uint64             `json:"releases"`     // loads that took over
	FailedLoads uint64             `json:"failed_loads"` // in all
}

// LimitsStatus are what ends or replaces a worker. Times are in seconds; 0 is none.
type LimitsStatus struct {
	RequestTimeout float64 `json:"request_timeout"`
	SlowLog        float64 `json:"slow_log"`
	MaxAge         float64 `json:"max_age"`
	Memory         uint64  `json:"memory"` // bytes
	MaxRequests    uint64  `json:"max_requests"`
	DrainTimeout   float64 `json:"drain_timeout"`
}

// MemoryStatus is the memory of all processes: the launcher, its preloaders and its workers,
// without what the application has started.
type MemoryStatus struct {
	PSS       uint64         `json:"pss"` // the sum of those that were measured
	Processes int            `json:"processes"`
	Measured  int            `json:"measured"` // how many of them; the others follow
	Seconds   float64        `json:"seconds"`  // since the first of these was measured
	Launcher  *ProcessMemory `json:"launcher"`
	Bound     *MemoryBound   `json:"promise"` // nil: there is none, or not yet
	Limit     *MemoryLimit   `json:"limit"`   // nil: not known
}

// MemoryLimit is what all processes together can have at most.
type MemoryLimit struct {
	Bytes uint64 `json:"bytes"`
	File  string `json:"file"` // of the cgroup that has this limit; "": it is the machine's memory
}

// MemoryBound is what all processes together have at most: preloader + workers * each + launcher.
type MemoryBound struct {
	Total       uint64 `json:"total"`
	Preloader   uint64 `json:"preloader"` // all that is resident in it, shared or not
	Workers     int    `json:"workers"`
	Each        uint64 `json:"each"`        // private memory of a worker
	Provisional bool   `json:"provisional"` // until requests have told what a worker needs
	Launcher    uint64 `json:"launcher"`
}

// ProcessMemory is the memory of one process.
type ProcessMemory struct {
	proc.Usage
	Shared  uint64  `json:"shared"`  // RSS less what is private
	Seconds float64 `json:"seconds"` // since it was measured
}

// GenerationStatus is a load of the application, and the preloaders that have it.
type GenerationStatus struct {
	Generation int               `json:"generation"`
	Loaded     *time.Time        `json:"loaded"`       // when; nil: not yet
	LoadTime   float64           `json:"load_seconds"` // that loading took
	Ruby       string            `json:"ruby"`         // versions, "" where there is none
	Rails      string            `json:"rails"`
	Rack       string            `json:"rack"`
	Preloaders []PreloaderStatus `json:"preloaders"` // oldest first; none where only its workers are left
	Findings   []FindingStatus   `json:"findings"`   // none where it is not prepared for forks yet, or is not forked
	Held       *HeldStatus       `json:"held"`       // nil: it is not held back
	Refork     *ReforkStatus     `json:"refork"`     // nil: none is paced or put off
}

// FindingStatus is something that stands in the way of forking the application, as launcher doctor has it. Parts that are not known are
// empty.
type FindingStatus struct {
	Kind   string `json:"kind"`
	Text   string `json:"text"`
	Where  string `json:"where"`
	Advice string `json:"advice"`
}

// The states of a refork that nobody waits for.
const (
	PacedRefork  = "paced"
	PutOffRefork = "put off"
)

// ReforkStatus is what holds up a refork that only saves memory: it takes slots without hurry, or a later one would gain too little.
type ReforkStatus struct {
	State    string  `json:"state"`        // paced, put off
	Refork   int     `json:"refork"`       // paced: its number; else 0
	Left     int     `json:"slots_left"`   // paced: those that it has yet to take
	Next     float64 `json:"next_seconds"` // paced: until it may take the next one
	Gain     uint64  `json:"gain"`         // put off: of a worker, in the mean
	PaysFrom uint64  `json:"pays_from"`    // put off: the gain that it waits for
}

// HeldStatus is why a generation gets no further slot while an older one serves: its first requests, or the probes of its workers, have all failed.
type HeldStatus struct {
	Time   time.Time `json:"time"`   // since when
	Errors uint64    `json:"errors"` // responses with 500, or that broke off; there was no other
	Deaths uint64    `json:"deaths"` // of its workers
	Probes uint64    `json:"probes"` // that its workers have failed
}

// PreloaderStatus is what workers are forked from. With direct spawning there is one without a
// process, which says how far the generation is.
type PreloaderStatus struct {
	Refork  int            `json:"refork"` // 0: it was started; else it was reforked from a worker
	State   string         `json:"state"`  // as preforker/README.md has it
	Seconds float64        `json:"seconds"`
	Pid     int            `json:"pid"`    // 0: none, or not known yet
	Memory  *ProcessMemory `json:"memory"` // nil: not measured, or no process
}

// FailedLoad is a generation that did not come up while another one serves.
type FailedLoad struct {
	Generation int       `json:"generation"`
	Time       time.Time `json:"time"`
	Error      string    `json:"error"` // in one line; the log has all of it
}

// LentSlot is the state of a vacant slot that the workers of others serve.
const LentSlot = "lent"

// RemovedSlot is the state of a slot that is not among the slots any more, and whose workers leave.
const RemovedSlot = "removed"

// SlotStatus is a slot with its workers: none, one, or more while one takes the place of another.
type SlotStatus struct {
	Slot    int            `json:"slot"`
	Socket  string         `json:"socket"`
	State   string         `json:"state"`         // as preforker/README.md has it
	Open    bool           `json:"open"`          // its socket is there
	Queue   *int           `json:"queue"`         // connections that wait; nil: the kernel does not tell
	Deaths  int            `json:"deaths"`        // early ones, in a row
	Retry   float64        `json:"retry_seconds"` // until the next worker, after such a death
	Failed  *SlotFailure   `json:"failed"`        // nil: it has not
	Died    *DeathStatus   `json:"died"`          // the last worker that should have served on; nil: none
	Workers []WorkerStatus `json:"workers"`       // oldest first

	Restarts map[string]uint64 `json:"restarts"`  // by reason: its workers that were replaced or died
	QueueMax int               `json:"queue_max"` // the longest queue that was seen
	Served   uint64            `json:"served"`    // by all workers that it has had
}

// SlotFailure is of a slot that is tried again but seldom, as its workers die before they serve anything.
type SlotFailure struct {
	Time   time.Time `json:"time"`   // since when
	Deaths int       `json:"deaths"` // in a row
}

// DeathStatus is the end of a worker that should have served on. What is not known is empty.
type DeathStatus struct {
	Time       time.Time `json:"time"`
	Generation int       `json:"generation"`
	Refork     int       `json:"refork"`
	Pid        int       `json:"pid"`
	Reason     string    `json:"reason"`
	Exit       string    `json:"exit"`      // "signal SIGSEGV", "exit status 1"
	Error      string    `json:"error"`     // the exception in one line
	Backtrace  []string  `json:"backtrace"` // its first frames, those of the application before all others
	Request    string    `json:"request"`   // in hand
	Lines      []string  `json:"lines"`     // the last ones that it printed
}

// GenerationFailure is of an application that is loaded again but seldom, as that fails again and again.
type GenerationFailure struct {
	Generation int       `json:"generation"` // the last one
	Time       time.Time `json:"time"`       // since when
	Failures   int       `json:"failures"`   // in a row
	Retry      float64   `json:"retry_seconds"`
	Error      string    `json:"error"` // of the last one, in one line
	Backtrace  []string  `json:"backtrace"`
	Lines      []string  `json:"lines"`
}

// WorkerStatus is one process of a slot, or the spare.
type WorkerStatus struct {
	Generation int            `json:"generation"`
	Refork     int            `json:"refork"` // of the preloader that it was forked from
	Pid        int            `json:"pid"`    // 0: not forked yet
	State      string         `json:"state"`  // as preforker/README.md has it, but idle or busy instead of ready
	Seconds    float64        `json:"seconds"`
	Reason     string         `json:"reason"`  // of leaving, "" where it does not
	Served     uint64         `json:"served"`  // requests, to their end
	Request    *RequestStatus `json:"request"` // the one in hand
	Memory     *ProcessMemory `json:"memory"`
	// Collections is nil where it makes none, or has served too little to tell.
	Collections *CollectionStatus `json:"collections"`

	Last    float64 `json:"last_seconds"`    // that the last request took, to the end of its response; 0: none yet
	Longest float64 `json:"longest_seconds"` // that any has taken
	CPU     float64 `json:"cpu_seconds"`     // user and system time of the process
	Slow    uint64  `json:"slow"`            // requests over the bound of the slow log

	// Key is for who fills the status: it tells the worker from one that had its pid before.
	Key ident.Key `json:"-"`
}

// RequestStatus is a request in hand. Its query may hold secrets and is left out.
type RequestStatus struct {
	Method  string  `json:"method"`
	Path    string  `json:"path"`
	Cut     bool    `json:"cut"` // method or path are longer
	Seconds float64 `json:"seconds"`
}

// CollectionStatus is what the collections of garbage between requests cost. Time is that of the CPU.
type CollectionStatus struct {
	Seconds  float64 `json:"seconds"`
	Requests float64 `json:"request_seconds"` // that the requests themselves took
	Share    float64 `json:"share"`           // the one of the other
}
