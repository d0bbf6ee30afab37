package preforker

import (
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

// queueLengths asks the kernel how many connections wait at each socket of the kind that the slots have, by its inode.
func (s *Supervisor) queueLengths() (map[uint64]int, error) {
	if s.config.Listen != nil {
		return proc.TCPQueues()
	}
	return linux.QueueLengths()
}

func (s *Supervisor) socketOptions() linux.SocketOptions {
	return linux.SocketOptions{Mode: s.config.SocketMode, Gid: s.config.SocketGroup}
}
