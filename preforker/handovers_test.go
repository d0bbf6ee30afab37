package preforker

import (
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"launcher/preforker/core"
	"launcher/preforker/ident"
	"launcher/preforker/linux"
)

// keep has a slot's handover hold a connection, as a worker that leaves does, and returns its other end.
func keep(t *testing.T, s *Supervisor, slot int) net.Conn {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	files, err := s.slotFiles(slot)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Sendmsg(int(files[2].Fd()), []byte("."), syscall.UnixRights(fds[0]), nil, 0); err != nil {
		t.Fatal(err)
	}
	_ = syscall.Close(fds[0])
	file := os.NewFile(uintptr(fds[1]), "peer")
	defer file.Close()
	peer, err := net.FileConn(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = peer.Close() })
	return peer
}

// takes takes a connection from a slot's handover, as a worker that serves the slot does; nil: there is none.
func takes(t *testing.T, s *Supervisor, slot int) *os.File {
	t.Helper()
	control := make([]byte, 64)
	reader := s.handovers[slot].Files()[0]
	_, n, _, _, err := syscall.Recvmsg(int(reader.Fd()), make([]byte, 1), control, syscall.MSG_DONTWAIT|syscall.MSG_CMSG_CLOEXEC)
	if err != nil {
		return nil
	}
	messages, err := syscall.ParseSocketControlMessage(control[:n])
	if err != nil {
		t.Fatal(err)
	}
	fds, err := syscall.ParseUnixRights(&messages[0])
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(fds[0]), "connection")
	t.Cleanup(func() { _ = file.Close() })
	return file
}

// TestKeptConnectionsOfASlotThatCloses go to one that is served; where there is none they wait.
func TestKeptConnectionsOfASlotThatCloses(t *testing.T) {
	s, _ := supervisorWithSockets(t, 4)
	defer s.handovers.close()
	for slot := range 4 {
		if files, err := s.slotFiles(slot); err != nil || len(files) != descriptorsPerSlot {
			t.Fatalf("%d files, %v", len(files), err)
		}
	}
	peer := keep(t, s, 2)
	s.closeSlot(2)
	s.tasks.Wait()
	if _, err := io.WriteString(peer, "request"); err != nil {
		t.Fatal(err)
	}
	ready(s, 1)
	s.moveHandover(2)
	connection := takes(t, s, 1)
	if connection == nil || takes(t, s, 2) != nil {
		t.Fatal("it did not move to the slot that is served")
	}
	got := make([]byte, 20)
	if n, err := connection.Read(got); err != nil || string(got[:n]) != "request" {
		t.Errorf("%q, %v", got[:n], err)
	}
	if files, err := s.slotFiles(2); files != nil || err != nil {
		t.Errorf("a slot that is closed has %v, %v", files, err)
	}
}

// TestKeptConnectionsOfASlotThatIsGone wait for the next worker of another slot where none is ready: nobody comes for them otherwise.
func TestKeptConnectionsOfASlotThatIsGone(t *testing.T) {
	s, _ := supervisorWithSockets(t, 4)
	defer s.handovers.close()
	ready(s)
	for slot := range 4 {
		if _, err := s.slotFiles(slot); err != nil {
			t.Fatal(err)
		}
	}
	keep(t, s, 3)
	s.core.Step(0, core.ScaleAsked{Slots: 2})
	s.removeSlot(3)
	s.tasks.Wait()
	if takes(t, s, 3) != nil || takes(t, s, 0) == nil && takes(t, s, 1) == nil {
		t.Error("it did not move to a slot that is to be served")
	}
}

// TestLentSocketsFitIntoPackets, of which each has no more descriptors than the kernel takes.
func TestLentSocketsFitIntoPackets(t *testing.T) {
	const slots = 100
	s, _ := supervisorWithSockets(t, slots)
	defer s.handovers.close()
	conn, theirs, err := linux.PacketPair("channel")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	defer theirs.Close()
	key := ident.Key{Generation: 1, Serial: 7}
	s.workers = map[ident.Key]*workerProcess{key: {key: key, conn: conn}}
	lend := core.LendSockets{Key: key}
	for slot := range slots {
		lend.Slots = append(lend.Slots, slot)
	}
	s.lendSockets(lend)
	lent := 0
	for lent < slots*descriptorsPerSlot {
		control := make([]byte, syscall.CmsgSpace(4*linux.MaxDescriptors))
		_, n, _, _, err := syscall.Recvmsg(int(theirs.Fd()), make([]byte, 4096), control, syscall.MSG_DONTWAIT|syscall.MSG_CMSG_CLOEXEC)
		if err != nil {
			t.Fatalf("%d descriptors came: %v", lent, err)
		}
		messages, err := syscall.ParseSocketControlMessage(control[:n])
		if err != nil || len(messages) != 1 {
			t.Fatal(len(messages), err)
		}
		fds, err := syscall.ParseUnixRights(&messages[0])
		if err != nil || len(fds)%descriptorsPerSlot != 0 {
			t.Fatalf("%d descriptors in a packet, %v", len(fds), err)
		}
		for _, fd := range fds {
			_ = syscall.Close(fd)
		}
		lent += len(fds)
	}
}
