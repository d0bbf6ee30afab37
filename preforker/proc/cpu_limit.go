//go:build linux

package proc

import (
	"bytes"
	"path"
	"strconv"
)

// CPULimit is how many CPUs the smallest limit of a cgroup above this process leaves it, in either version; 0: any number.
func CPULimit() float64 {
	var buffer [16 << 10]byte
	text, err := readWhole("/proc/self/cgroup", buffer[:])
	if err != nil {
		return 0 // a kernel without cgroups
	}
	smallest := 0.0
	for _, files := range cpuLimitFiles(text) {
		var values []byte
		for _, file := range files {
			// A folder above that a container does not show, and the root, have no such file.
			var buffer [64]byte
			value, err := readWhole(file, buffer[:])
			if err != nil {
				values = nil
				break
			}
			values = append(append(values, value...), ' ')
		}
		if limit := parseCPULimit(values); limit > 0 && (smallest == 0 || limit < smallest) {
			smallest = limit
		}
	}
	return smallest
}

// cpuLimitFiles are the files that together may have a limit, by the text of /proc/self/cgroup, as limitFiles has it. In version 1
// the quota and its period are files of their own.
func cpuLimitFiles(text []byte) (files [][]string) {
	for line := range bytes.Lines(text) {
		fields := bytes.SplitN(bytes.TrimRight(line, "\n"), []byte{':'}, 3)
		if len(fields) < 3 || !path.IsAbs(string(fields[2])) {
			continue
		}
		root, names := "/sys/fs/cgroup", []string{"cpu.max"}
		if len(fields[1]) > 0 {
			root, names = "/sys/fs/cgroup/cpu", []string{"cpu.cfs_quota_us", "cpu.cfs_period_us"}
			if !has(fields[1], "cpu") {
				continue
			}
		}
		for folder := path.Clean(string(fields[2])); ; folder = path.Dir(folder) {
			var together []string
			for _, name := range names {
				together = append(together, path.Join(root, folder, name))
			}
			files = append(files, together)
			if folder == "/" {
				break
			}
		}
	}
	return files
}

// parseCPULimit takes a quota and its period in microseconds. "max", and -1 in version 1, are no limit: 0.
func parseCPULimit(text []byte) float64 {
	fields := bytes.Fields(text)
	if len(fields) != 2 {
		return 0
	}
	quota, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil || quota <= 0 {
		return 0
	}
	period, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil || period <= 0 {
		return 0
	}
	return float64(quota) / float64(period)
}
