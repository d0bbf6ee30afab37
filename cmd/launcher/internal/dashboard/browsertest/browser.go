//go:build linux

package browsertest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait. Nothing is expected to take that long.
const patience = 2 * time.Minute

// Browser is a chromium without a window.
type Browser struct {
	t  testing.TB
	to *os.File

	mu      sync.Mutex
	number  int
	waiting map[int]chan message
	heard   map[string][]message // by session: what has happened there
	gone    chan struct{}
}

// message is what the browser and its tests say to each other (Chrome DevTools Protocol).
type message struct {
	ID      int             `json:"id,omitempty"`
	Session string          `json:"sessionId,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// Start starts one, which ends with the test.
func Start(t testing.TB) *Browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("%v (install it: make test-deps)", err)
	}
	theirs, ours, err := os.Pipe()
	theirs2, ours2 := (*os.File)(nil), (*os.File)(nil)
	if err == nil {
		ours2, theirs2, err = os.Pipe()
	}
	if err != nil {
		t.Fatal(err)
	}
	profile, err := os.MkdirTemp("", "launcher-browser-")
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--remote-debugging-pipe", "--user-data-dir="+profile, "about:blank")
	command.ExtraFiles = []*os.File{theirs, theirs2}
	// What it starts is in a group of its own: it leaves some behind where it is killed.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = theirs.Close(), theirs2.Close()
	b := &Browser{t: t, to: ours, waiting: map[int]chan message{}, heard: map[string][]message{}, gone: make(chan struct{})}
	go b.listen(ours2)
	t.Cleanup(func() {
		if err := syscall.Kill(-command.Process.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Errorf("end chromium: %v", err)
		}
		_ = command.Wait()
		_ = ours.Close()
		<-b.gone
		// What it has started is killed, but may still write until it is gone.
		err := os.RemoveAll(profile)
		for end := time.Now().Add(patience); err != nil && time.Now().Before(end); err = os.RemoveAll(profile) {
			time.Sleep(time.Millisecond)
		}
		if err != nil {
			t.Errorf("remove what chromium has left: %v", err)
		}
	})
	return b
}

// listen takes what the browser says until it ends.
func (b *Browser) listen(from *os.File) {
	defer close(b.gone)
	defer from.Close()
	in := bufio.NewReader(from)
	for {
		text, err := in.ReadBytes(0)
		if err != nil {
			return
		}
		var said message
		if json.Unmarshal(text[:len(text)-1], &said) != nil {
			continue
		}
		b.mu.Lock()
		if reply := b.waiting[said.ID]; said.ID != 0 && reply != nil {
			delete(b.waiting, said.ID)
			reply <- said
		} else if said.Method != "" {
			b.heard[said.Session] = append(b.heard[said.Session], said)
		}
		b.mu.Unlock()
	}
}

// call has the browser do something, and reads the result unless that is nil.
func (b *Browser) call(session, method string, params map[string]any, result any) {
	b.t.Helper()
	if err := b.try(session, method, params, result); err != nil {
		b.t.Fatal(err)
	}
}

// try returns what the browser has against it.
func (b *Browser) try(session, method string, params map[string]any, result any) error {
	b.t.Helper()
	encoded, err := json.Marshal(params)
	if err != nil {
		b.t.Fatal(err)
	}
	reply := make(chan message, 1)
	b.mu.Lock()
	b.number++
	asked := message{ID: b.number, Session: session, Method: method, Params: encoded}
	b.waiting[asked.ID] = reply
	text, err := json.Marshal(asked)
	if err == nil {
		_, err = b.to.Write(append(text, 0))
	}
	b.mu.Unlock()
	if err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	select {
	case said := <-reply:
		if said.Error != nil {
			return fmt.Errorf("%s: %s", method, said.Error.Message)
		}
		if result != nil {
			if err := json.Unmarshal(said.Result, result); err != nil {
				b.t.Fatalf("%s: %v", method, err)
			}
		}
	case <-b.gone:
		b.t.Fatalf("%s: chromium has ended", method)
	case <-time.After(patience):
		b.t.Fatalf("%s: chromium does not answer", method)
	}
	return nil
}
