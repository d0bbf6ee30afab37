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

// What is asked of UNIX_DIAG, and what it answers (linux/unix_diag.h, Linux 3.3).
const (
	diagRequestSize = 24      // struct unix_diag_req
	diagAnswerSize  = 16      // struct unix_diag_msg, before its attributes
	diagListening   = 1 << 10 // the state TCP_LISTEN, which unix sockets borrow
	diagShowQueue   = 1 << 4  // UDIAG_SHOW_RQLEN
	diagQueue       = 4       // UNIX_DIAG_RQLEN: two numbers, what waits and what may
)

// queueBuffers are shared: what is asked for every second would be garbage that soon has all be searched for it.
var queueBuffers = sync.Pool{New: func() any {
	buffer := make([]byte, 32<<10) // the kernel fills no more of it than that at once
	return &buffer
}}

// QueueLengths tells how many connections wait to be accepted at each listening unix socket of
// this network namespace, and adds that to lengths by the inode of the socket, which is not that of its file. The kernel
// tells it by sock_diag(7) alone: /proc/net/unix has no lengths. Where that is not built in,
// or a sandbox forbids netlink, it is an error.
func QueueLengths(lengths map[uint64]int) error {
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
	if _, err := unix.Write(fd, queueRequest()); err != nil {
		return os.NewSyscallError("write", err)
	}
	buffer := queueBuffers.Get().(*[]byte)
	defer queueBuffers.Put(buffer)
	buf := *buffer
	for {
		n, _, err := unix.Recvfrom(fd, buf, unix.MSG_TRUNC)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return os.NewSyscallError("recvfrom", err)
		case n > len(buf):
			return fmt.Errorf("read queue lengths: %d bytes at once, at most %d", n, len(buf))
		}
		if ended, err := parseQueues(buf[:n], lengths); ended || err != nil {
			return err
		}
	}
}

func queueRequest() []byte {
	var b []byte
	b = binary.NativeEndian.AppendUint32(b, unix.NLMSG_HDRLEN+diagRequestSize)
	b = binary.NativeEndian.AppendUint16(b, unix.SOCK_DIAG_BY_FAMILY)
	b = binary.NativeEndian.AppendUint16(b, unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	b = binary.NativeEndian.AppendUint64(b, 0) // sequence and port: there is one request
	b = append(b, unix.AF_UNIX, 0, 0, 0)
	b = binary.NativeEndian.AppendUint32(b, diagListening)
	b = binary.NativeEndian.AppendUint32(b, 0) // inode: any
	b = binary.NativeEndian.AppendUint32(b, diagShowQueue)
	return binary.NativeEndian.AppendUint64(b, 0) // cookie: any
}

// parseQueues adds what one packet tells to lengths, and says whether it was the last one.
func parseQueues(packet []byte, lengths map[uint64]int) (ended bool, err error) {
	for len(packet) > 0 {
		if len(packet) < unix.NLMSG_HDRLEN {
			return false, fmt.Errorf("parse queue lengths: a message of %d bytes", len(packet))
		}
		size := int(binary.NativeEndian.Uint32(packet))
		if size < unix.NLMSG_HDRLEN || size > len(packet) {
			return false, fmt.Errorf("parse queue lengths: a message that has %d bytes of %d", size, len(packet))
		}
		ended, err := parseQueue(binary.NativeEndian.Uint16(packet[4:]), packet[unix.NLMSG_HDRLEN:size], lengths)
		if ended || err != nil {
			return ended, err
		}
		packet = packet[min((size+unix.NLMSG_ALIGNTO-1)&^(unix.NLMSG_ALIGNTO-1), len(packet)):]
	}
	return false, nil
}

// parseQueue adds what one message tells to lengths, and says whether it was the last one.
func parseQueue(kind uint16, data []byte, lengths map[uint64]int) (ended bool, err error) {
	switch kind {
	case unix.NLMSG_DONE:
		return true, nil
	case unix.NLMSG_ERROR:
		if len(data) < 4 {
			return false, errors.New("parse queue lengths: an error without a number")
		}
		number := int32(binary.NativeEndian.Uint32(data))
		return false, os.NewSyscallError("sock_diag", syscall.Errno(-number))
	case unix.SOCK_DIAG_BY_FAMILY:
		if len(data) < diagAnswerSize {
			return false, fmt.Errorf("parse queue lengths: a socket of %d bytes", len(data))
		}
		if length, told := queueOf(data[diagAnswerSize:]); told {
			lengths[uint64(binary.NativeEndian.Uint32(data[4:]))] = length
		}
	}
	return false, nil
}

// queueOf looks for the queue among the attributes of a socket: a length and a type of two bytes
// each, the value, and what fills it up to four bytes.
func queueOf(attributes []byte) (length int, told bool) {
	for len(attributes) >= unix.SizeofRtAttr {
		size := int(binary.NativeEndian.Uint16(attributes))
		if size < unix.SizeofRtAttr || size > len(attributes) {
			return 0, false
		}
		if binary.NativeEndian.Uint16(attributes[2:]) == diagQueue && size >= unix.SizeofRtAttr+4 {
			return int(binary.NativeEndian.Uint32(attributes[unix.SizeofRtAttr:])), true
		}
		attributes = attributes[min((size+3)&^3, len(attributes)):]
	}
	return 0, false
}
