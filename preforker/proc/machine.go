//go:build linux

package proc

import (
	"bytes"
	"fmt"
)

// System is the memory of the whole machine, from /proc/meminfo, in bytes. What the kernel
// does not tell is zero: Available before Linux 3.14, SReclaimable before 2.6.19, Shmem
// before 2.6.32.
type System struct {
	Total        uint64
	Free         uint64 // nobody uses it for anything
	Available    uint64 // the kernel's guess of what new programs can have without swapping
	Buffers      uint64
	Cached       uint64 // the page cache, Shmem in it
	SReclaimable uint64 // caches of the kernel's own, inodes and the like
	Shmem        uint64 // shared memory and tmpfs
	SwapTotal    uint64
	SwapFree     uint64
}

// maxMeminfo is several times what a kernel of 2025 writes.
const maxMeminfo = 16 << 10

// Machine reads the memory of the machine. In a container it is that of the host, unless
// something like lxcfs lies over /proc.
func Machine() (System, error) {
	var buffer [maxMeminfo]byte
	text, err := readWhole("/proc/meminfo", buffer[:])
	if err != nil {
		return System{}, fmt.Errorf("read memory of the machine: %w", err)
	}
	system, err := ParseMeminfo(text)
	if err != nil {
		return System{}, fmt.Errorf("read memory of the machine: %w", err)
	}
	return system, nil
}

// ParseMeminfo reads the text of /proc/meminfo.
func ParseMeminfo(text []byte) (System, error) {
	var s System
	fields := [...]field{
		{key: "MemTotal", size: &s.Total, must: true},
		{key: "MemFree", size: &s.Free, must: true},
		{key: "MemAvailable", size: &s.Available},
		{key: "Buffers", size: &s.Buffers, must: true},
		{key: "Cached", size: &s.Cached, must: true},
		{key: "SReclaimable", size: &s.SReclaimable},
		{key: "Shmem", size: &s.Shmem},
		{key: "SwapTotal", size: &s.SwapTotal, must: true},
		{key: "SwapFree", size: &s.SwapFree, must: true},
	}
	if err := parseSizes(text, fields[:]); err != nil {
		return System{}, err
	}
	return s, nil
}

// Used is what free(1) of 2007 (procps 3.2) called used: all that is not free, caches too.
// The meaning has changed twice since: procps-ng 3.3.10 took buffers and caches out of it,
// procps-ng 4.0.1 made it total - available.
func (s System) Used() uint64 { return less(s.Total, s.Free) }

// UsedLess is the used of that free's second line, "-/+ buffers/cache". Its cache was the
// line Cached of meminfo alone: reclaimable slab, which procps-ng counts as cache from
// 3.3.10 on (all slab at first, SReclaimable since 3.3.12), stays in here.
func (s System) UsedLess() uint64 { return less(s.Used(), s.Buffers, s.Cached) }

// SwapUsed is what is swapped out.
func (s System) SwapUsed() uint64 { return less(s.SwapTotal, s.SwapFree) }

// less subtracts and stops at zero: the kernel reads its counters one after the other,
// so that they need not fit together.
func less(size uint64, parts ...uint64) uint64 {
	for _, part := range parts {
		size -= min(size, part)
	}
	return size
}

// HugePages is the kernel's setting of transparent huge pages: always, madvise or never.
// A kernel that was built without them has no such file, which is os.ErrNotExist.
func HugePages() (string, error) {
	var buffer [256]byte
	text, err := readWhole("/sys/kernel/mm/transparent_hugepage/enabled", buffer[:])
	if err != nil {
		return "", fmt.Errorf("read setting of huge pages: %w", err)
	}
	word, err := bracketed(text)
	if err != nil {
		return "", fmt.Errorf("read setting of huge pages: %w", err)
	}
	return word, nil
}

// bracketed finds b in "a [b] c".
func bracketed(text []byte) (string, error) {
	_, rest, opened := bytes.Cut(text, []byte{'['})
	word, _, closed := bytes.Cut(rest, []byte{']'})
	if !opened || !closed || len(word) == 0 || bytes.ContainsAny(word, " \n[") {
		return "", fmt.Errorf("%.80q has no word in brackets", text)
	}
	return string(word), nil
}
