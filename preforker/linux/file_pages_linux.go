package linux

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ReleaseFilePages gives back the pages of this program's own file that the start has touched
// and a supervisor may never need again: the initialisation of every package walks
// through them. Those that are needed come back from the page cache with a minor fault.
//
// Only mappings that nobody may write are released (MADV_DONTNEED, Linux 2.4): what is
// in them is what is in the file, for the program is linked statically and has no
// relocations there.
func ReleaseFilePages() error {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return err
	}
	defer maps.Close()
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 6 || fields[5] != exe || strings.Contains(fields[1], "w") || !strings.HasSuffix(fields[1], "p") {
			continue
		}
		var from, to uintptr
		if _, err := fmt.Sscanf(fields[0], "%x-%x", &from, &to); err != nil {
			return fmt.Errorf("read mapping %q: %w", fields[0], err)
		}
		if _, _, errno := unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_DONTNEED); errno != 0 {
			return os.NewSyscallError("madvise", errno)
		}
	}
	return lines.Err()
}

// ReleaseConstant gives back the pages that lie wholly in constant: bytes of this program's own file
// in a mapping that may be written, which nobody ever writes. What was written would be lost.
func ReleaseConstant(constant []byte) error {
	size := uintptr(os.Getpagesize())
	start := uintptr(unsafe.Pointer(unsafe.SliceData(constant)))
	from, to := (start+size-1)/size*size, (start+uintptr(len(constant)))/size*size
	if from >= to {
		return nil
	}
	if _, _, errno := unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_DONTNEED); errno != 0 {
		return os.NewSyscallError("madvise", errno)
	}
	return nil
}
