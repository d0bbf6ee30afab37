//go:build linux

package proc

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
)

// Limit is the memory that this process and its children can have: the machine's, or what
// the smallest limit of a cgroup above it leaves, in either version.
func Limit() (uint64, error) {
	machine, err := Machine()
	if err != nil {
		return 0, err
	}
	var buffer [16 << 10]byte
	text, err := readWhole("/proc/self/cgroup", buffer[:])
	if errors.Is(err, fs.ErrNotExist) { // a kernel without cgroups
		return machine.Total, nil
	}
	if err != nil {
		return machine.Total, fmt.Errorf("read cgroup: %w", err)
	}
	limit := machine.Total
	for _, file := range limitFiles(text) {
		// A folder above that a container does not show, and the root, have no such file.
		var buffer [64]byte
		if text, err := readWhole(file, buffer[:]); err == nil {
			limit = min(limit, parseLimit(text))
		}
	}
	return limit, nil
}

// limitFiles are the files that may have a limit, by the text of /proc/self/cgroup: lines of
// number:controllers:path, where version 2 has the number 0 and no controllers.
func limitFiles(text []byte) (files []string) {
	for line := range bytes.Lines(text) {
		fields := bytes.SplitN(bytes.TrimRight(line, "\n"), []byte{':'}, 3)
		if len(fields) < 3 || !path.IsAbs(string(fields[2])) {
			continue
		}
		root, name := "/sys/fs/cgroup", "memory.max"
		if len(fields[1]) > 0 {
			root, name = "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
			if !has(fields[1], "memory") {
				continue
			}
		}
		for folder := path.Clean(string(fields[2])); ; folder = path.Dir(folder) {
			files = append(files, path.Join(root, folder, name))
			if folder == "/" {
				break
			}
		}
	}
	return files
}

func has(controllers []byte, name string) bool {
	for controller := range bytes.SplitSeq(controllers, []byte{','}) {
		if string(controller) == name {
			return true
		}
	}
	return false
}

// parseLimit takes "max", and the 2^63 less a page with which version 1 says the same, for no limit.
func parseLimit(text []byte) uint64 {
	limit, err := strconv.ParseUint(string(bytes.TrimSpace(text)), 10, 64)
	if err != nil {
		return 1<<64 - 1
	}
	return limit
}
