package experiment

import (
	"fmt"
	"slices"
	"strings"
)

// Method is a way to run an application.
type Method string

// The methods: two of this program, and the servers that it is compared with.
const (
	Direct    Method = "direct" // each worker loads the application itself
	Smart     Method = "smart"  // one process loads it and forks the workers
	Passenger Method = "passenger"
	Unicorn   Method = "unicorn"
	Puma      Method = "puma"
	// PumaForkWorker is Puma whose workers are forked from its first one, again after 1,000 requests.
	PumaForkWorker Method = "puma-fork-worker"
	Pitchfork      Method = "pitchfork"
)

// Methods are all of them, in the order of reports.
func Methods() []Method { return append(DefaultMethods(), PumaForkWorker, Pitchfork) }

// DefaultMethods are those that are measured where none is named.
func DefaultMethods() []Method { return []Method{Direct, Smart, Passenger, Unicorn, Puma} }

// Server returns the name of the program that runs the application.
func (m Method) Server() string {
	if m == PumaForkWorker {
		return string(Puma)
	}
	return string(m)
}

// ParseMethod reads a name.
func ParseMethod(name string) (Method, error) {
	if m := Method(name); slices.Contains(Methods(), m) {
		return m, nil
	}
	var names []string
	for _, m := range Methods() {
		names = append(names, string(m))
	}
	return "", fmt.Errorf("read method %q: it is none of %s", name, strings.Join(names, ", "))
}

// Own says whether this program runs the application by itself.
func (m Method) Own() bool { return m == Direct || m == Smart }

// Template returns the start of the title of the process that the workers are forked from; ""
// where there is none.
func (m Method) Template() string {
	switch m {
	case Smart:
		return "launcher preloader "
	case Passenger:
		return "Passenger AppPreloader"
	case Unicorn:
		return "unicorn master"
	case PumaForkWorker:
		return "puma: cluster worker 0"
	case Pitchfork:
		return "pitchfork (gen:0) mold"
	case Puma:
		return "puma " // its workers are "puma: cluster worker"
	default:
		return ""
	}
}
