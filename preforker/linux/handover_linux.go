package linux

import (
	"os"

	"golang.org/x/sys/unix"
)

// MaxDescriptors is how many descriptors the kernel takes with a packet (SCM_MAX_FD).
const MaxDescriptors = 253

// Handover is a queue in the kernel for the connections that the workers of one slot keep: who leaves gives them, who serves takes
// them, a packet with one descriptor each. It is a pair of sockets, and both ends are held here, so that what is in it stays open
// whoever ends.
type Handover struct{ reader, writer *os.File }

// NewHandover makes one for those who get its Files.
func NewHandover(name string) (*Handover, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	return &Handover{os.NewFile(uintptr(fds[0]), name+" (take)"), os.NewFile(uintptr(fds[1]), name+" (give)")}, nil
}

// Files are the end to take from and the end to give to. They stay the Handover's own.
func (h *Handover) Files() []*os.File { return []*os.File{h.reader, h.writer} }

// MoveTo gives what is in it to another one. What that has no room for is closed, and counted as lost.
func (h *Handover) MoveTo(other *Handover) (lost int) {
	for {
		fds, received := h.take()
		if !received {
			return lost
		}
		if len(fds) == 0 {
			lost++ // there was no descriptor left for it
		}
		for _, fd := range fds {
			if other.give(fd) != nil {
				lost++
			}
			_ = unix.Close(fd)
		}
	}
}

// take returns the descriptors of the next packet; false: there is none.
func (h *Handover) take() ([]int, bool) {
	packet, control := make([]byte, 1), make([]byte, unix.CmsgSpace(4))
	n, size := 0, 0
	err := h.retry(h.reader, func(fd int) (err error) {
		n, size, _, _, err = unix.Recvmsg(fd, packet, control, unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
		return err
	})
	if err != nil || n == 0 {
		return nil, false
	}
	messages, err := unix.ParseSocketControlMessage(control[:size])
	if err != nil || len(messages) != 1 {
		return nil, true
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return nil, true
	}
	return fds, true
}

func (h *Handover) give(connection int) error {
	return h.retry(h.writer, func(fd int) error {
		return unix.Sendmsg(fd, []byte("."), unix.UnixRights(connection), nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	})
}

func (h *Handover) retry(file *os.File, call func(fd int) error) error {
	for {
		if err := call(int(file.Fd())); err != unix.EINTR {
			return err
		}
	}
}

// Close lets go of both ends. What is in it is closed where no worker has them.
func (h *Handover) Close() {
	_ = h.reader.Close()
	_ = h.writer.Close()
}
