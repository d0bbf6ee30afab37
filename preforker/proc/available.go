//go:build linux

package proc

import "path"

// Available is the memory that new processes can have now: what the machine has available, or what is left below
// the smallest limit of a cgroup above this process. Pages of files that can be dropped are available.
func Available() (uint64, error) {
	machine, err := Machine()
	if err != nil {
		return 0, err
	}
	available := machine.Available
	group, err := OwnCgroup()
	for _, file := range group.limitFiles() {
		if left, limited := leftOf(file); limited {
			available = min(available, left)
		}
	}
	return available, err
}

// leftOf is what the cgroup with this file leaves of its limit. False: it has none, or does not say.
func leftOf(limitFile string) (uint64, bool) {
	var limit, used [64]byte
	var stat [16 << 10]byte
	limitText, err := readWhole(limitFile, limit[:])
	if err != nil || parseLimit(limitText) > maxLimit {
		return 0, false
	}
	folder, usage := path.Split(limitFile)
	usedFile := "memory.current"
	if usage == "memory.limit_in_bytes" {
		usedFile = "memory.usage_in_bytes"
	}
	usedText, err := readWhole(folder+usedFile, used[:])
	if err != nil {
		return 0, false
	}
	statText, err := readWhole(folder+"memory.stat", stat[:])
	if err != nil {
		return 0, false
	}
	return left(parseLimit(limitText), parseLimit(usedText), statText), true
}

// maxLimit is more than any machine has: version 1 says with a number that there is no limit.
const maxLimit = 1 << 60

// left takes what is used from a limit, but for pages of files that nobody uses just now.
func left(limit, used uint64, stat []byte) uint64 {
	dropped, _ := counter(stat, "inactive_file")
	return less(limit, less(used, dropped))
}
