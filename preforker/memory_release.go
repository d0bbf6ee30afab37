package preforker

import (
	"runtime/debug"
	"time"

	"launcher/preforker/linux"
)

// releasePeriod is the time between two releases of what has gathered meanwhile. One costs 2 to 3
// milliseconds of a CPU, beside the loop. What is needed again comes back in pieces of 64 kB, so most of
// what is there a minute later is what nobody has asked for.
const releasePeriod = 5 * time.Second

// releaseMemory gives back what this process does not need at rest: its heap's free pages, and those
// of the program's own file. In this order, since a collection reads much of the file. Where it
// fails nothing else does.
func (s *Supervisor) releaseMemory() {
	debug.FreeOSMemory()
	if err := linux.ReleaseFilePages(); err != nil {
		s.log.Debug("the pages of the program's file could not be given back", keyError, err)
	}
}
