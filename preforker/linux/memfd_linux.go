package linux

import (
	"errors"
	"fmt"
	"io"
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

// Mapping is a memory file as memory: reading it takes no system call. Nobody reads it while it is closed, or after.
type Mapping struct{ bytes []byte }

// Map maps a memory file whose size is sealed: what is cut off while it is mapped would end whoever reads it.
func Map(file *os.File) (*Mapping, error) {
	seals, err := unix.FcntlInt(file.Fd(), unix.F_GET_SEALS, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl F_GET_SEALS", err)
	}
	if seals&unix.F_SEAL_SHRINK == 0 {
		return nil, errors.New("map a file whose size is not sealed")
	}
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("map memory file: %w", err)
	}
	bytes, err := unix.Mmap(int(file.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	return &Mapping{bytes}, nil
}

// ReadAt copies what the file has at that moment.
func (m *Mapping) ReadAt(p []byte, offset int64) (int, error) {
	if offset < 0 || offset >= int64(len(m.bytes)) {
		return 0, io.EOF
	}
	n := copy(p, m.bytes[offset:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Close unmaps it.
func (m *Mapping) Close() error {
	bytes := m.bytes
	m.bytes = nil
	return os.NewSyscallError("munmap", unix.Munmap(bytes))
}
