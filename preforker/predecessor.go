package preforker

import (
	"syscall"
	"time"

	"launcher/preforker/sockets"
)

// Workers of a launcher that was killed finish what is in their hands and leave, within the drain
// timeout (scripts/worker.rb). One that cannot hear of its supervisor's death, in C code that keeps
// Ruby's lock for instance, would stay for ever. The next launcher in the same folder gives them
// that time too, and kills who is left.

// endPredecessor sees to the workers of a launcher that has died in this folder without cleaning
// up.
func (s *Supervisor) endPredecessor() {
	left := sockets.AbandonedWorkers(s.config.SocketDir, s.board)
	if len(left) == 0 {
		return
	}
	patience := s.config.DrainTimeout + killGrace
	var pids []int
	for _, worker := range left {
		pids = append(pids, worker.Pid)
		_ = worker.Signal(syscall.SIGCONT) // it may be stopped, and then hears of nothing
		_ = worker.Close()
	}
	s.log.Warn("workers of a launcher that was killed are still there; they may finish their requests", keyPids, pids, keyTimeout, patience)
	select {
	case <-s.done:
		return
	case <-time.After(patience):
	}
	for _, worker := range sockets.AbandonedWorkers(s.config.SocketDir, s.board) {
		if err := worker.Signal(syscall.SIGKILL); err != nil {
			s.log.Warn("worker of a launcher that was killed could not be killed", keyPid, worker.Pid, keyError, err)
		} else {
			s.log.Warn("worker of a launcher that was killed did not leave, and is killed", keyPid, worker.Pid)
		}
		_ = worker.Close()
	}
}

// killGrace is what a process gets between being asked to end and being killed.
const killGrace = time.Second
