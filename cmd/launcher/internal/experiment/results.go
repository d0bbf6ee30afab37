package experiment

import (
	"time"

	"launcher/preforker/proc"
)

// FormatVersion is that of results.json. It grows when a field changes its meaning.
const FormatVersion = 1

// Results is all that an experiment has found, as results.json has it. It is whole
// after every run, so that one that is stopped keeps what is done.
type Results struct {
	Format  int       `json:"format"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
	// Incomplete says why it ended before all was measured; "" where it did not.
	Incomplete string   `json:"incomplete,omitempty"`
	Command    []string `json:"command"` // that made it
	App        App      `json:"app"`
	Machine    Machine  `json:"machine"`
	// Versions of what took part: launcher, ruby, rails, rack, lighttpd, puma …
	Versions []Version `json:"versions"`
	Load     Load      `json:"load"`
	// Methods and Processes are what was asked for, in that order.
	Methods   []Method  `json:"methods"`
	Processes []int     `json:"processes"`
	Runs      []Run     `json:"runs"`
	Skipped   []Skipped `json:"skipped,omitempty"`
	Warnings  []string  `json:"warnings,omitempty"`
}

// Machine is where the application was measured.
type Machine struct {
	System    string `json:"system"` // Debian GNU/Linux 12 (bookworm)
	Kernel    string `json:"kernel"`
	Processor string `json:"processor"`
	CPUs      int    `json:"cpus"`
	Memory    uint64 `json:"memory"` // bytes
	Swap      uint64 `json:"swap"`   // bytes
	// HugePages is the kernel's setting of transparent huge pages.
	HugePages string `json:"huge_pages"`
}

// Version is a name and what it calls itself.
type Version struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Load is what was requested of every server.
type Load struct {
	Paths       []string `json:"paths,omitempty"`
	Mix         []string `json:"mix,omitempty"` // "40 GET /posts", in the place of paths
	Requests    int      `json:"requests"`
	Connections int      `json:"connections"`
	Rounds      int      `json:"rounds,omitempty"` // how often each run was to be made; 0: once
	Rate        float64  `json:"rate"`             // requests a second, 0: as fast as responses come
	Through     string   `json:"through"`          // the web server between, or "straight"
	Tool        string   `json:"tool"`             // what made the requests
}

// Skipped is a method that was left out, or one of its numbers of processes.
type Skipped struct {
	Method    Method `json:"method"`
	Processes int    `json:"processes,omitempty"` // 0: all of them
	Reason    string `json:"reason"`
}

// Run is one method with one number of processes.
type Run struct {
	Method    Method `json:"method"`
	Processes int    `json:"processes"`
	// Round is which of several it is, from 1; 0 where each is made once.
	Round   int       `json:"round,omitempty"`
	Command []string  `json:"command"` // that started the server
	Started time.Time `json:"started"`

	LaunchSeconds float64 `json:"launch_seconds"` // until all processes were there
	Before        Sample  `json:"before"`         // before the launch: nothing of the method is there
	Launched      Sample  `json:"launched"`       // after it
	Peak          Sample  `json:"peak"`           // the sample of the greatest PSS in and after the load
	Last          Sample  `json:"last"`           // after the load
	// Samples is everything, in the order of time, the four above among them.
	Samples []Sample `json:"samples"`

	Traffic Traffic `json:"traffic"`
	// Split of the workers' private memory after the load, where it could be read.
	Split *Split `json:"split,omitempty"`
	// Error says why the run is not whole: the server did not start, or died.
	Error string `json:"error,omitempty"`
}

// Phases of a sample.
const (
	PhaseBefore   = "before"
	PhaseLaunched = "launched"
	PhaseLoad     = "load"
	PhaseAfter    = "after"
)

// Sample is memory at one time: sums over all processes of the method, its supervisor
// and masters among them, and the machine's. All sizes are bytes.
type Sample struct {
	Seconds float64 `json:"seconds"` // since the launch began
	Phase   string  `json:"phase"`
	Usage
	Processes int `json:"processes"` // all of the method's
	// FreeUsed is what free(1) of 2007 called used: buffers and page cache in it;
	// FreeUsedLess is without them, the second line of that free.
	FreeUsed     uint64 `json:"free_used"`
	FreeUsedLess uint64 `json:"free_used_less"`
	SwapUsed     uint64 `json:"swap_used"` // the machine's
	// Each is every process, for the samples named in Run alone.
	Each []Process `json:"each,omitempty"`
}

// Add counts a process in.
func (s *Sample) Add(p Process) {
	s.Processes++
	s.PSS += p.PSS
	s.Private += p.Private
	s.RSS += p.RSS
	s.Swap += p.Swap
	s.Each = append(s.Each, p)
}

// Usage is smaps_rollup of one process, or a sum of several.
type Usage = proc.Usage

// Process is one process in a sample.
type Process struct {
	Pid    int    `json:"pid"`
	Parent int    `json:"parent"`
	Name   string `json:"name"` // its title, cut
	Usage
}

// Split is private memory of the workers, summed, by what became of the pages: copied,
// where the process it was forked from has a page at the same address, or new.
type Split struct {
	Workers int    `json:"workers"` // whose pages were read
	Copied  uint64 `json:"copied"`
	New     uint64 `json:"new"`
}

// Traffic is what the load found.
type Traffic struct {
	Requests   int     `json:"requests"` // with the right response
	Errors     int     `json:"errors"`
	Seconds    float64 `json:"seconds"`
	Throughput float64 `json:"throughput"` // requests a second
	MedianMs   float64 `json:"median_ms"`
	P99Ms      float64 `json:"p99_ms"`
	Bytes      int64   `json:"bytes"` // of bodies
	// Windows are throughput and latency through time: the two seconds that began with each second of
	// the load.
	Windows []Window `json:"windows,omitempty"`
	// Began is when the load began, in seconds since the launch.
	Began float64 `json:"began"`
	// Served is how many responses each process made, the busiest first.
	Served   []Served  `json:"served,omitempty"`
	Failures []Failure `json:"failures,omitempty"`
}

// Window is what came within two seconds.
type Window struct {
	Seconds  float64 `json:"seconds"` // from the begin of the load to that of the window
	Requests int     `json:"requests"`
	Errors   int     `json:"errors,omitempty"`
	MedianMs float64 `json:"median_ms"`
	P99Ms    float64 `json:"p99_ms"`
}

// Served is one process's share.
type Served struct {
	Pid      int `json:"pid"`
	Requests int `json:"requests"`
}

// Failure is a kind of error with an example's text.
type Failure struct {
	Text  string `json:"text"` // GET /nothing: status 404
	Count int    `json:"count"`
}
