//go:build linux

package proc

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"sync"
)

// Cgroup is where the memory of this process is accounted: the folders of its group, then of those above it. In version 2 of cgroups
// they are unified, in version 1 legacy; a host may have both, and the memory in either.
type Cgroup struct {
	unified, legacy []string
}

// cgroupRoot is where cgroups are mounted.
const cgroupRoot = "/sys/fs/cgroup"

// OwnCgroup is the one of this process. A kernel without cgroups has none, and that is no error.
func OwnCgroup() (Cgroup, error) {
	var buffer [16 << 10]byte
	text, err := readWhole("/proc/self/cgroup", buffer[:])
	if errors.Is(err, fs.ErrNotExist) {
		return Cgroup{}, nil
	}
	if err != nil {
		return Cgroup{}, fmt.Errorf("read cgroup: %w", err)
	}
	return parseCgroup(text, cgroupRoot), nil
}

// parseCgroup takes the text of /proc/self/cgroup: lines of number:controllers:path, where version 2 has the number 0 and no
// controllers.
func parseCgroup(text []byte, root string) (g Cgroup) {
	for line := range bytes.Lines(text) {
		fields := bytes.SplitN(bytes.TrimRight(line, "\n"), []byte{':'}, 3)
		if len(fields) < 3 || !path.IsAbs(string(fields[2])) {
			continue
		}
		switch {
		case len(fields[1]) == 0:
			g.unified = upwards(root, string(fields[2]))
		case has(fields[1], "memory"):
			g.legacy = upwards(path.Join(root, "memory"), string(fields[2]))
		}
	}
	return g
}

// upwards are a folder below a root and those above it.
func upwards(root, folder string) (folders []string) {
	for folder = path.Clean(folder); ; folder = path.Dir(folder) {
		folders = append(folders, path.Join(root, folder))
		if folder == "/" {
			return folders
		}
	}
}

func has(controllers []byte, name string) bool {
	for controller := range bytes.SplitSeq(controllers, []byte{','}) {
		if string(controller) == name {
			return true
		}
	}
	return false
}

// limitFiles are the files that may have a limit. A folder above that a container does not show, and the root, have none. Above
// memory.high the kernel slows down whoever needs more, so that it is as good as a limit.
func (g Cgroup) limitFiles() (files []string) {
	for _, folder := range g.unified {
		files = append(files, path.Join(folder, "memory.max"), path.Join(folder, "memory.high"))
	}
	for _, folder := range g.legacy {
		files = append(files, path.Join(folder, "memory.limit_in_bytes"))
	}
	return files
}

// limit is the lowest limit of all, and the file that has it; "": there is none.
func (g Cgroup) limit() (bytes uint64, file string) {
	for _, name := range g.limitFiles() {
		var buffer [64]byte
		text, err := readWhole(name, buffer[:])
		if err != nil {
			continue
		}
		if limit := parseLimit(text); limit < maxLimit && (file == "" || limit < bytes) {
			bytes, file = limit, name
		}
	}
	return bytes, file
}

// EndedTogether is the file that says that the kernel ends all processes of the group together, or of one above it, where it would end
// one because memory is short; "": there is none.
func (g Cgroup) EndedTogether() string {
	for _, folder := range g.unified {
		var buffer [16]byte
		name := path.Join(folder, "memory.oom.group")
		if text, err := readWhole(name, buffer[:]); err == nil && string(bytes.TrimSpace(text)) == "1" {
			return name
		}
	}
	return ""
}

// OOMKills is how many processes the kernel has ended because memory was short, in the group, or where that does not tell, on the whole
// machine.
func (g Cgroup) OOMKills() (kills uint64, err error) {
	buffer := counterBuffers.Get().(*[16 << 10]byte)
	defer counterBuffers.Put(buffer)
	var files []string
	for _, folder := range g.unified { // the nearest that tells: it counts those of the groups below it, too
		files = append(files, path.Join(folder, "memory.events"))
	}
	if len(g.legacy) > 0 {
		files = append(files, path.Join(g.legacy[0], "memory.oom_control"))
	}
	for _, file := range append(files, "/proc/vmstat") {
		text, failed := readWhole(file, buffer[:])
		if failed != nil {
			err = failed
			continue
		}
		if kills, found := counter(text, "oom_kill"); found {
			return kills, nil
		}
	}
	return 0, fmt.Errorf("read count of kills: %w", errors.Join(err, errors.New("no file has it")))
}

// counterBuffers are kept from one time to the next: this is asked for as long as the launcher lives.
var counterBuffers = sync.Pool{New: func() any { return new([16 << 10]byte) }}

// counter is a number in lines of "name number".
func counter(text []byte, name string) (uint64, bool) {
	for line := range bytes.Lines(text) {
		found, value, _ := bytes.Cut(bytes.TrimSpace(line), []byte{' '})
		if string(found) != name {
			continue
		}
		number, err := strconv.ParseUint(string(value), 10, 64)
		return number, err == nil
	}
	return 0, false
}
