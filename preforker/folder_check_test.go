package preforker

import (
	"net"
	"os"
	"slices"
	"testing"

	"launcher/preforker/control"
	"launcher/preforker/core"
	"launcher/preforker/internal/testdir"
)

// TestLoopWaitsForNoDisk: what a check has made anew is taken over as it is, though the disk has
// stopped to answer by then.
func TestLoopWaitsForNoDisk(t *testing.T) {
	s, _ := newFolderOwner(t, 2)
	if err := os.RemoveAll(s.config.SocketDir); err != nil {
		t.Fatal(err)
	}
	pid, server := s.pid, s.control
	s.checkFolder()
	found := <-s.notices
	if err := os.Rename(s.config.SocketDir, s.config.SocketDir+".away"); err != nil { // nothing can be made in it
		t.Fatal(err)
	}
	lost, _ := s.translate(found)
	for _, slot := range lost.(core.SocketsLost).Slots {
		if failed := s.rebindSlot(slot); failed != nil {
			t.Errorf("%+v", failed)
		}
	}
	if s.pid == pid || s.control == server || s.sockets.Listener(0) == nil || s.sockets.Listener(1) == nil {
		t.Error("something was not taken over")
	}
}

// TestScaleWaitsForTheCheck, which would take names that are given to others meanwhile for lost, and bind sockets there.
func TestScaleWaitsForTheCheck(t *testing.T) {
	s, _ := newFolderOwner(t, 2)
	s.checkFolder()
	found := <-s.notices
	reply := make(chan scaled, 1)
	s.translate(scaleAsked{by: "scale", request: control.ScaleRequest{Slots: 1}, reply: reply})
	if s.config.Workers != 2 || len(reply) != 0 {
		t.Errorf("%d slots while the check goes on", s.config.Workers)
	}
	s.translate(found)
	s.translate(<-s.notices)
	if done := <-reply; done.err != nil || done.result.Slots != 1 || s.config.Workers != 1 {
		t.Errorf("%+v, %d slots", done, s.config.Workers)
	}
	s.translate(scaleAsked{by: "scale", request: control.ScaleRequest{Slots: 2}, reply: reply})
	if done := <-reply; done.err != nil || done.result.Slots != 2 {
		t.Errorf("without a check: %+v", done)
	}
}

// TestScalesAreDoneInTurn, of those who still wait for an answer.
func TestScalesAreDoneInTurn(t *testing.T) {
	s, _ := newFolderOwner(t, 3)
	s.checkFolder()
	found := <-s.notices
	reply, gone := make(chan scaled, 3), make(chan struct{})
	ask := func(slots int, gone <-chan struct{}) {
		s.translate(scaleAsked{by: "scale", request: control.ScaleRequest{Slots: slots}, reply: reply, gone: gone})
	}
	ask(1, gone)
	close(gone) // it was told that nothing was done
	ask(4, nil)
	s.translate(found)
	ask(2, nil) // before those that have waited are done
	s.translate(<-s.notices)
	for _, want := range []int{4, 2} {
		if done := <-reply; done.err != nil || done.result.Slots != want {
			t.Errorf("%+v, want %d slots", done, want)
		}
	}
	if s.config.Workers != 2 || len(reply) != 0 {
		t.Errorf("%d slots, %d answers more", s.config.Workers, len(reply))
	}
}

// TestStopWhileFilesAreMadeAnew leaves none of them behind.
func TestStopWhileFilesAreMadeAnew(t *testing.T) {
	for name, taken := range map[string]func(s *Supervisor, found notice){
		"the loop takes it":  func(s *Supervisor, found notice) { s.translate(found) },
		"the loop has ended": func(s *Supervisor, found notice) { s.notices <- found; s.discardNotices() },
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := newFolderOwner(t, 2)
			if err := os.RemoveAll(s.config.SocketDir); err != nil {
				t.Fatal(err)
			}
			s.checkFolder()
			found := <-s.notices
			if got := len(testdir.Names(t, s.config.SocketDir)); got != len(kept) {
				t.Fatalf("%d files are there again", got)
			}
			s.core.Step(0, core.StopAsked{Now: true})
			taken(s, found)
			close(s.done)
			s.tasks.Wait()
			s.done = make(chan struct{}) // for the end of the test
			if got := testdir.Names(t, s.config.SocketDir); !slices.Equal(got, []string{"launcher.heap", "web.conf"}) {
				t.Errorf("left behind: %q", got)
			}
		})
	}
}

// TestSocketThatTheCoreDoesNotWant: its slot was closed while the check was made.
func TestSocketThatTheCoreDoesNotWant(t *testing.T) {
	s, _ := newFolderOwner(t, 2)
	for _, path := range s.sockets.Places() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	s.checkFolder()
	found := <-s.notices
	var waiting []net.Conn
	for _, path := range s.sockets.Places() { // a web server may have been quick
		waiting = append(waiting, testdir.Connect(t, path, ""))
	}
	s.closeSlot(0)
	lost, _ := s.translate(found)
	if slots := lost.(core.SocketsLost).Slots; !slices.Equal(slots, []int{1}) {
		t.Errorf("lost %v", slots)
	}
	s.discardBound() // as when the core does not rebind the other one either
	close(s.done)
	s.tasks.Wait()
	s.done = make(chan struct{})
	for slot, conn := range waiting {
		if got := testdir.ReadAll(t, conn); got != "refused" {
			t.Errorf("slot %d: %q", slot, got)
		}
	}
	if got := testdir.Names(t, s.config.SocketDir); !slices.Equal(got, kept[2:]) {
		t.Errorf("the folder has %q", got)
	}
}
