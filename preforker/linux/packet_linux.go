package linux

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// MaxPacket is the largest packet that Receive takes, in bytes; a larger one is an
// error, not a shorter packet.
const MaxPacket = 256 << 10

// ErrWouldBlock says that the peer has not read what it was sent: its receive
// queue is full.
var ErrWouldBlock = errors.New("peer does not read")

// PacketConn is one end of a SOCK_SEQPACKET pair: a packet arrives whole or
// not at all, in order, and can carry descriptors.
type PacketConn struct {
	file *os.File
	raw  syscall.RawConn
}

// PacketPair makes a connected pair: one end to keep, the other as a file to
// give to a child. The caller closes both.
func PacketPair(name string) (*PacketConn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	theirs := os.NewFile(uintptr(fds[1]), name+" (child)")
	// Only our end is non-blocking: the flag belongs to the open file, and
	// Go's poller wants it before os.NewFile.
	if err := unix.SetNonblock(fds[0], true); err != nil {
		_ = unix.Close(fds[0])
		_ = theirs.Close()
		return nil, nil, os.NewSyscallError("fcntl O_NONBLOCK", err)
	}
	ours := os.NewFile(uintptr(fds[0]), name)
	raw, err := ours.SyscallConn()
	if err != nil {
		_ = ours.Close()
		_ = theirs.Close()
		return nil, nil, fmt.Errorf("register %s: %w", name, err)
	}
	return &PacketConn{file: ours, raw: raw}, theirs, nil
}

// Send writes one packet with the given descriptors, which stay the caller's. It
// never waits: ErrWouldBlock when the peer's queue is full.
func (c *PacketConn) Send(packet []byte, files ...*os.File) error {
	var rights []byte
	if len(files) > 0 {
		fds := make([]int, len(files))
		for i, f := range files {
			fds[i] = int(f.Fd())
		}
		rights = unix.UnixRights(fds...)
	}
	var sent error
	err := c.raw.Control(func(fd uintptr) {
		for {
			sent = unix.Sendmsg(int(fd), packet, rights, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
			if sent != unix.EINTR {
				return
			}
		}
	})
	switch {
	case err != nil:
		return err
	case sent == unix.EAGAIN:
		return ErrWouldBlock
	default:
		return os.NewSyscallError("sendmsg", sent)
	}
}

// Receive waits for one packet. io.EOF when the peer is gone, os.ErrClosed after Close.
func (c *PacketConn) Receive() ([]byte, error) {
	var packet []byte
	var received error
	err := c.raw.Read(func(fd uintptr) bool {
		packet, received = receive(int(fd))
		return received != unix.EAGAIN
	})
	if err != nil {
		// Without a deadline the wait itself fails only when the file is closed; the
		// error that Go has for that is internal/poll's own.
		return nil, fmt.Errorf("receive packet: %w", os.ErrClosed)
	}
	return packet, received
}

// receive asks for the size first (MSG_PEEK|MSG_TRUNC), so that an idle channel
// holds no buffer.
func receive(fd int) ([]byte, error) {
	size, err := recvRetry(fd, nil, unix.MSG_PEEK|unix.MSG_TRUNC)
	switch {
	case err == unix.ECONNRESET:
		// The peer died with packets of ours unread: as gone as after EOF.
		return nil, io.EOF
	case err == unix.EAGAIN:
		return nil, err
	case err != nil:
		return nil, os.NewSyscallError("recvfrom", err)
	case size == 0:
		return nil, io.EOF
	case size > MaxPacket:
		return nil, fmt.Errorf("receive packet: %d bytes, at most %d", size, MaxPacket)
	}
	packet := make([]byte, size)
	n, err := recvRetry(fd, packet, 0)
	if err != nil {
		return nil, os.NewSyscallError("recvfrom", err)
	}
	return packet[:n], nil
}

func recvRetry(fd int, buf []byte, flags int) (int, error) {
	for {
		n, _, err := unix.Recvfrom(fd, buf, flags|unix.MSG_DONTWAIT)
		if err != unix.EINTR {
			return n, err
		}
	}
}

// Finish says that the peer is gone: what it sent is still received, then io.EOF,
// also where a process that it forked holds its end open.
func (c *PacketConn) Finish() {
	_ = c.raw.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_RD) })
}

// FinishSending gives the peer its end of file, and goes on receiving.
func (c *PacketConn) FinishSending() {
	_ = c.raw.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_WR) })
}

// Close ends the connection; a blocked Receive returns.
func (c *PacketConn) Close() error { return c.file.Close() }
