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
	Falcon         Method = "falcon"
)

// Methods are all of them, in the order of reports.
func Methods() []Method { return append(DefaultMethods(), PumaForkWorker, Pitchfork, Falcon) }

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

// IsTemplate says whether a title is that of the process that the workers are forked from.
func (m Method) IsTemplate(title string) bool {
	switch m {
	case Smart:
		return strings.HasPrefix(title, "launcher preloader ")
	case Passenger:
		return strings.HasPrefix(title, "Passenger AppPreloader")
	case Unicorn:
		return strings.HasPrefix(title, "unicorn master")
	case PumaForkWorker:
		return strings.HasPrefix(title, "puma: cluster worker 0")
	case Pitchfork:
		return strings.HasPrefix(title, "pitchfork (gen:") && strings.Contains(title, ") mold")
	case Falcon:
		return strings.HasPrefix(title, "falcon") // its workers have the name of the service
	case Puma:
		return strings.HasPrefix(title, "puma ") // its workers are "puma: cluster worker"
	default:
		return false
	}
}
