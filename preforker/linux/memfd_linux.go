package linux

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// MemoryFile makes a file that lives in memory and has no path. The caller closes it.
func MemoryFile(name string, size int64) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	file := os.NewFile(uintptr(fd), "memfd:"+name)
	if err := file.Truncate(size); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("size memory file %s: %w", name, err)
	}
	return file, nil
}

// SealSize keeps everybody who has a memory file from changing its size.
func SealSize(file *os.File) error {
	_, err := unix.FcntlInt(file.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW)
	return os.NewSyscallError("fcntl F_ADD_SEALS", err)
}
