package preforker

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"launcher/preforker/core"
	"launcher/preforker/ident"
	"launcher/preforker/linux"
)

// TestSpareThatCannotBeTold of its slot is killed: nobody else would be forked for that before its time to be ready is over.
func TestSpareThatCannotBeTold(t *testing.T) {
	s, log := supervisorWithSockets(t, 1)
	conn, theirs, err := linux.PacketPair("channel")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = theirs.Close()
	cmd := exec.Command("cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	child, err := linux.FollowChild(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	spare, given := ident.Key{Slot: ident.NoSlot, Generation: 1, Serial: 7}, ident.Key{Generation: 1, Serial: 7}
	s.workers = map[ident.Key]*workerProcess{spare: {key: spare, conn: conn, child: child}}
	s.assignSpare(core.AssignSpare{Spare: spare, Key: given})
	_ = in.Close()
	_ = cmd.Wait()
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGKILL {
		t.Errorf("it ends with %v", cmd.ProcessState)
	}
	if w := s.workers[given]; len(s.workers) != 1 || w == nil || w.key != given || w.socket != s.sockets.Inode(0) {
		t.Errorf("%+v", s.workers)
	}
	if !strings.Contains(log.String(), "spare worker could not be given a slot") {
		t.Errorf("logged %q", log)
	}
}
