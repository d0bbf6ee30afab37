package preforker

import (
	"runtime/debug"
	"runtime/metrics"
	"time"

	"launcher/preforker/linux"
)

// releasePeriod is the time between two releases of what has gathered meanwhile. One costs 2 to 3
// milliseconds of a CPU, and more with hundreds of workers, beside the loop. What is needed again comes back in pieces of 64 kB, so most of
// what is there a minute later is what nobody has asked for.
const releasePeriod = 5 * time.Second

// releaseShare is the part of the heap that must have been made since the last release for another one.
const releaseShare = 8

// gathered is what has gathered since the last release, for the loop alone.
type gathered struct{ made uint64 } // bytes on the heap since the start, by then

// enough says whether another release is worth it. A launcher whose workers are all idle makes little, however many they are.
func (g *gathered) enough() bool {
	samples := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(samples)
	made, there := samples[0].Value.Uint64(), samples[1].Value.Uint64()
	if made-g.made < there/releaseShare {
		return false
	}
	g.made = made
	return true
}

// releaseGathered releases memory where enough has gathered.
func (s *Supervisor) releaseGathered() {
	if s.gathered.enough() {
		s.tasks.Go(s.releaseMemory)
	}
}

// releaseMemory gives back what this process does not need at rest: its heap's free pages, and those
// of the program's own file. In this order, since a collection reads much of the file. Where it
// fails nothing else does.
func (s *Supervisor) releaseMemory() {
	debug.FreeOSMemory()
	if err := linux.ReleaseFilePages(); err != nil {
		s.log.Debug("the pages of the program's file could not be given back", keyError, err)
	}
}
