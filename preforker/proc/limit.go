//go:build linux

package proc

import (
	"bytes"
	"strconv"
)

// Limit is the memory that this process and its children can have: the machine's, or what
// the smallest limit of a cgroup above it leaves, in either version.
func Limit() (uint64, error) {
	limit, _, err := LimitBy()
	return limit, err
}

// LimitBy is Limit with the file of the cgroup that has it; "": it is the machine's memory.
func LimitBy() (limit uint64, file string, err error) {
	machine, err := Machine()
	if err != nil {
		return 0, "", err
	}
	group, err := OwnCgroup()
	if limit, file := group.limit(); file != "" && limit < machine.Total {
		return limit, file, err
	}
	return machine.Total, "", err
}

// parseLimit takes "max", and the 2^63 less a page with which version 1 says the same, for no limit.
func parseLimit(text []byte) uint64 {
	limit, err := strconv.ParseUint(string(bytes.TrimSpace(text)), 10, 64)
	if err != nil {
		return 1<<64 - 1
	}
	return limit
}
