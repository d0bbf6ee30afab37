package linux

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// What is asked of INET_DIAG, and what it answers (linux/inet_diag.h, Linux 3.3).
const (
	diagInetSize       = 56     // struct inet_diag_req_v2
	diagInetAnswerSize = 72     // struct inet_diag_msg
	diagConnecting     = 1 << 3 // the state TCP_SYN_RECV
)

// Handshakes counts the TCP connections that clients of this network namespace's port are making: the kernel has answered them, and
// they are in no queue yet. Where the kernel does not tell of all of them (sock_diag(7) is not built in, or a sandbox forbids netlink), it
// is an error, beside the number of the others.
func Handshakes(port int) (n int, err error) {
	for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
		failed := diagnose(handshakesRequest(family, port), func(packet []byte) (ended bool, err error) {
			return parseDiag(packet, func(data []byte) error {
				if len(data) < diagInetAnswerSize {
					return fmt.Errorf("parse handshakes: a socket of %d bytes", len(data))
				}
				n++
				return nil
			})
		})
		err = errors.Join(err, failed)
	}
	return n, err
}

func handshakesRequest(family byte, port int) []byte {
	b := diagRequest(diagInetSize)
	b = append(b, family, unix.IPPROTO_TCP, 0, 0)
	b = binary.NativeEndian.AppendUint32(b, diagConnecting)
	b = binary.BigEndian.AppendUint16(b, uint16(port))
	return append(b, make([]byte, 46)...) // the rest of struct inet_diag_sockid: any
}
