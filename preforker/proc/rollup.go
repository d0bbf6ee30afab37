//go:build linux

package proc

import "fmt"

// maxRollup is well above the 700 bytes that a kernel of 2025 writes.
const maxRollup = 4 << 10

// Of reads what a process uses. The kernel walks all its page tables for that: 0.6 ms for
// a Ruby of 60 MB, while its threads can run but not map. (From 6.1 on until it was mended
// in 6.10, it may skip mappings when one of them waits for that.)
//
// No cheaper file tells the private memory of a forked process. Where a child wrote to
// 16.2 MB that it shared with its parent, the figures moved like this:
//
//	smaps_rollup  Private_Dirty     300 kB -> 16,528 kB   584 µs
//	status        RssAnon        48,520 kB -> 48,520 kB    13 µs
//	statm         resident          12,663 -> 12,680 pages  7 µs
//	stat          minflt                79 ->  4,138        8 µs
//
// RssAnon and statm count a page that is mapped, whoever else maps it, so a copy changes
// nothing. Faults do tell that something was copied; Process.Faults says how to use them.
func Of(pid int) (Usage, error) {
	usage, err := readRollup(pid)
	if err != nil {
		return Usage{}, fmt.Errorf("read memory of process %d: %w", pid, err)
	}
	return usage, nil
}

func readRollup(pid int) (Usage, error) {
	var buffer [maxRollup]byte
	text, err := readWhole(procPath(pid, "smaps_rollup"), buffer[:])
	if err != nil {
		return Usage{}, gone(err, "smaps_rollup")
	}
	return ParseRollup(text)
}

// ParseRollup reads the text of smaps_rollup. Proportional swap is SwapPss; where it is
// missing all that is swapped out is taken for the process's own.
//
// Private_Hugetlb is left out: the kernel has pages of hugetlbfs neither in Rss nor in
// Pss, and their pool is taken from the machine whether a process uses it or not. Huge
// pages that are transparent count like all others.
//
// No text at all is what Linux before 4.19 gives for a zombie (later ones say ESRCH), so
// it is ErrGone.
func ParseRollup(text []byte) (Usage, error) {
	if len(text) == 0 {
		return Usage{}, ErrGone
	}
	var usage Usage
	var clean, dirty, swap, swapPSS uint64
	fields := [...]field{
		{key: "Rss", size: &usage.RSS, must: true},
		{key: "Pss", size: &usage.PSS, must: true},
		{key: "Private_Clean", size: &clean, must: true},
		{key: "Private_Dirty", size: &dirty, must: true},
		{key: "Swap", size: &swap},
		{key: "SwapPss", size: &swapPSS},
	}
	if err := parseSizes(text, fields[:]); err != nil {
		return Usage{}, err
	}
	usage.Private = clean + dirty
	if usage.Private < clean || usage.Private > usage.RSS {
		return Usage{}, fmt.Errorf("check sizes: private pages (%d + %d bytes) exceed Rss (%d)", clean, dirty, usage.RSS)
	}
	usage.Swap = swapPSS
	if !fields[len(fields)-1].found {
		usage.Swap = swap
	}
	return usage, nil
}
