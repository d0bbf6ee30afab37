package linux

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// What is asked of UNIX_DIAG, and what it answers (linux/unix_diag.h, Linux 3.3).
const (
	diagQueueSize  = 24      // struct unix_diag_req
	diagAnswerSize = 16      // struct unix_diag_msg, before its attributes
	diagListening  = 1 << 10 // the state TCP_LISTEN, which unix sockets borrow
	diagShowQueue  = 1 << 4  // UDIAG_SHOW_RQLEN
	diagQueue      = 4       // UNIX_DIAG_RQLEN: two numbers, what waits and what may
)

// QueueLengths tells how many connections wait to be accepted at each listening unix socket of
// this network namespace, and adds that to lengths by the inode of the socket, which is not that of its file. The kernel
// tells it by sock_diag(7) alone: /proc/net/unix has no lengths. Where that is not built in,
// or a sandbox forbids netlink, it is an error.
func QueueLengths(lengths map[uint64]int) error {
	return diagnose(queueRequest(), func(packet []byte) (ended bool, err error) { return parseQueues(packet, lengths) })
}

func queueRequest() []byte {
	b := diagRequest(diagQueueSize)
	b = append(b, unix.AF_UNIX, 0, 0, 0)
	b = binary.NativeEndian.AppendUint32(b, diagListening)
	b = binary.NativeEndian.AppendUint32(b, 0) // inode: any
	b = binary.NativeEndian.AppendUint32(b, diagShowQueue)
	return binary.NativeEndian.AppendUint64(b, 0) // cookie: any
}

// parseQueues adds what one packet tells to lengths, and says whether it was the last one.
func parseQueues(packet []byte, lengths map[uint64]int) (ended bool, err error) {
	return parseDiag(packet, func(data []byte) error {
		if len(data) < diagAnswerSize {
			return fmt.Errorf("parse queue lengths: a socket of %d bytes", len(data))
		}
		if length, told := queueOf(data[diagAnswerSize:]); told {
			lengths[uint64(binary.NativeEndian.Uint32(data[4:]))] = length
		}
		return nil
	})
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
