package linux

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// diagBuffers are shared: what is asked for every second would be garbage that soon has all be searched for it.
var diagBuffers = sync.Pool{New: func() any {
	buffer := make([]byte, 32<<10) // the kernel fills no more of it than that at once
	return &buffer
}}

// diagnose asks the kernel for sockets by sock_diag(7), and has each packet of its answer read until that says that it was the last one.
func diagnose(request []byte, read func(packet []byte) (ended bool, err error)) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	patience := unix.Timeval{Sec: 1} // the kernel answers in microseconds
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience); err != nil {
		return os.NewSyscallError("setsockopt SO_RCVTIMEO", err)
	}
	// Connected to port 0, the kernel, it hears nobody else.
	if err := unix.Connect(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("connect", err)
	}
	if _, err := unix.Write(fd, request); err != nil {
		return os.NewSyscallError("write", err)
	}
	buffer := diagBuffers.Get().(*[]byte)
	defer diagBuffers.Put(buffer)
	buf := *buffer
	for {
		n, _, err := unix.Recvfrom(fd, buf, unix.MSG_TRUNC)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return os.NewSyscallError("recvfrom", err)
		case n > len(buf):
			return fmt.Errorf("read sockets: %d bytes at once, at most %d", n, len(buf))
		}
		if ended, err := read(buf[:n]); ended || err != nil {
			return err
		}
	}
}

// diagRequest is the beginning of a request of so many bytes for all sockets of a kind.
func diagRequest(size int) []byte {
	b := make([]byte, 0, unix.NLMSG_HDRLEN+size)
	b = binary.NativeEndian.AppendUint32(b, uint32(unix.NLMSG_HDRLEN+size))
	b = binary.NativeEndian.AppendUint16(b, unix.SOCK_DIAG_BY_FAMILY)
	b = binary.NativeEndian.AppendUint16(b, unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	return binary.NativeEndian.AppendUint64(b, 0) // sequence and port: there is one request
}

// parseDiag has what a packet tells of each socket read, and says whether it was the last packet.
func parseDiag(packet []byte, read func(data []byte) error) (ended bool, err error) {
	for len(packet) > 0 {
		if len(packet) < unix.NLMSG_HDRLEN {
			return false, fmt.Errorf("parse sockets: a message of %d bytes", len(packet))
		}
		size := int(binary.NativeEndian.Uint32(packet))
		if size < unix.NLMSG_HDRLEN || size > len(packet) {
			return false, fmt.Errorf("parse sockets: a message that has %d bytes of %d", size, len(packet))
		}
		data := packet[unix.NLMSG_HDRLEN:size]
		switch binary.NativeEndian.Uint16(packet[4:]) {
		case unix.NLMSG_DONE:
			err := diagError(data) // of what is asked, which may not be built in
			return err == nil, err
		case unix.NLMSG_ERROR:
			if len(data) < 4 {
				return false, errors.New("parse sockets: an error without a number")
			}
			return false, diagError(data)
		case unix.SOCK_DIAG_BY_FAMILY:
			if err := read(data); err != nil {
				return false, err
			}
		}
		packet = packet[min((size+unix.NLMSG_ALIGNTO-1)&^(unix.NLMSG_ALIGNTO-1), len(packet)):]
	}
	return false, nil
}

// diagError is the one whose number a message begins with, nil where there is none.
func diagError(data []byte) error {
	if len(data) < 4 {
		return nil
	}
	if number := int32(binary.NativeEndian.Uint32(data)); number < 0 {
		return os.NewSyscallError("sock_diag", syscall.Errno(-number))
	}
	return nil
}
