package linux

import (
	"encoding/binary"
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
// they are in no queue yet. Where the kernel tells nothing of that (sock_diag(7) is not built in, or a sandbox forbids netlink), it is
// an error.
func Handshakes(port int) (n int, err error) {
	for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
		err := diagnose(handshakesRequest(family, port), func(packet []byte) (ended bool, err error) {
			return parseDiag(packet, func(data []byte) error {
				if len(data) < diagInetAnswerSize {
					return fmt.Errorf("parse handshakes: a socket of %d bytes", len(data))
				}
				n++
				return nil
			})
		})
		if err != nil {
			return 0, err
		}
	}
	return n, nil
}

func handshakesRequest(family byte, port int) []byte {
	b := diagRequest(diagInetSize)
	b = append(b, family, unix.IPPROTO_TCP, 0, 0)
	b = binary.NativeEndian.AppendUint32(b, diagConnecting)
	b = binary.BigEndian.AppendUint16(b, uint16(port))
	return append(b, make([]byte, 46)...) // the rest of struct inet_diag_sockid: any
}
