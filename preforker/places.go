package preforker

import (
	"maps"

	"launcher/preforker/linux"
	"launcher/preforker/proc"
	"launcher/preforker/sockets"
)

// places are where the slots' sockets are.
func (s *Supervisor) places() []string {
	if s.config.Listen != nil {
		return s.config.Listen
	}
	return sockets.Paths(s.config.SocketDir, s.config.Workers)
}

// placesOf are where the sockets of so many slots would be.
func (s *Supervisor) placesOf(slots int) []string {
	if s.config.Listen != nil {
		return sockets.PortsFrom(s.config.Listen[0], slots)
	}
	return sockets.Paths(s.config.SocketDir, slots)
}

// queueLengths asks the kernel how many connections wait at each socket of the kind that the slots have, and adds that to
// lengths by its inode.
func (s *Supervisor) queueLengths(lengths map[uint64]int) error {
	if !s.ports {
		return linux.QueueLengths(lengths)
	}
	found, err := proc.TCPQueues()
	maps.Copy(lengths, found)
	return err
}

// waitingInFront is how many requests wait in the front, where there is one.
func (s *Supervisor) waitingInFront() int {
	if s.config.Front == nil {
		return 0
	}
	return s.config.Front.Waiting()
}

func (s *Supervisor) socketOptions() linux.SocketOptions {
	return linux.SocketOptions{Mode: s.config.SocketMode, Uid: s.config.SocketUser, Gid: s.config.SocketGroup}
}
