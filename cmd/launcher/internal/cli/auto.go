//go:build linux

package cli

import (
	"fmt"
	"math"
	"runtime"
	"strconv"

	"launcher/preforker/ident"
	"launcher/preforker/proc"
)

// How many workers a machine can have is known once the application has loaded and served. A number that is chosen before assumes
// what most applications need at most, and the memory bound holds all the same: workers that need more are replaced earlier.
const (
	// autoPerCPU workers for each CPU, and one more, keep the CPUs busy while some of them wait for a database.
	autoPerCPU = 2
	// autoPreloader and autoWorker are what a preloader and a worker are assumed to have of their own.
	autoPreloader = 192 << 20
	autoWorker    = 64 << 20
)

// machine is what a number of workers is chosen from.
type machine struct {
	cpus   int     // that this process may use
	quota  float64 // of CPUs, of a cgroup; 0: none
	memory uint64  // of the machine, or of a cgroup; 0: not known
}

func thisMachine() machine {
	memory, _ := proc.Limit() // which is 0, or the machine's, where a cgroup cannot be asked
	return machine{cpus: runtime.NumCPU(), quota: proc.CPULimit(), memory: memory}
}

// chooseWorkers returns how many workers a machine has room for, and why.
func chooseWorkers(m machine) number {
	cpus, which := m.cpus, "CPUs"
	if limit := int(math.Ceil(m.quota)); m.quota > 0 && limit < cpus {
		cpus, which = limit, "CPUs, of a cgroup's limit of "+strconv.FormatFloat(m.quota, 'g', 3, 64)
	}
	byCPU := autoPerCPU*cpus + 1
	chosen := number{min(byCPU, ident.MaxWorkers), fmt.Sprintf("%d for each of %d %s, and one", autoPerCPU, cpus, which)}
	if m.memory == 0 {
		return chosen
	}
	usable := m.memory - m.memory/10
	byMemory := int(max(1, (usable-min(usable, autoPreloader))/autoWorker))
	if byMemory < chosen.workers {
		chosen = number{byMemory, fmt.Sprintf("as many of %s as nine tenths of %s hold beside a preloader of %s, not %s", inMegabytes(autoWorker),
			inMegabytes(m.memory), inMegabytes(autoPreloader), chosen.why)}
	}
	return chosen
}

func inMegabytes(bytes uint64) string { return fmt.Sprintf("%d MB", bytes>>20) }
