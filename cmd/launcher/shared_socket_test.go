//go:build linux

package main

import (
	"bufio"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// lineServer returns each line with the same line, in the order of each connection. It says what
// it has read, and holds the responses to some lines until each is released.
type lineServer struct {
	listener net.Listener
	read     chan string
	kept     map[string]chan struct{}
	tasks    sync.WaitGroup
}

func startLineServer(t *testing.T, kept ...string) *lineServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &lineServer{listener: listener, read: make(chan string, 16), kept: map[string]chan struct{}{}}
	for _, line := range kept {
		s.kept[line] = make(chan struct{})
	}
	s.tasks.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.tasks.Go(func() { s.serve(conn) })
		}
	})
	// Registered before the launcher starts, so it runs after that has ended, and with it
	// every connection.
	t.Cleanup(func() {
		_ = listener.Close()
		s.tasks.Wait()
	})
	return s
}

func (s *lineServer) serve(conn net.Conn) {
	defer conn.Close()
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		s.read <- lines.Text()
		if released := s.kept[lines.Text()]; released != nil {
			<-released
		}
		if _, err := fmt.Fprintln(conn, lines.Text()); err != nil {
			return
		}
	}
}

// TestSharedSocket: the caveat of every server that forks. A client that boot has connected is one
// connection for all workers: the answer that comes for one of them is read by whoever reads first. The
// log warns of it, the doctor says where it is, and a hook mends it.
func TestSharedSocket(t *testing.T) {
	t.Parallel()
	for _, mended := range []bool{false, true} {
		t.Run(fmt.Sprintf("mended=%v", mended), func(t *testing.T) {
			server := startLineServer(t, "slow", "quick")
			root := copyApp(t, "shared_socket")
			if mended {
				write(t, filepath.Join(root, "config", "launcher.rb"), "after_fork { LINES.reconnect }\n")
			}
			env := []string{"LINES_ADDRESS=" + server.listener.Addr().String()}
			in := start(t, startOptions{root: root, env: env, args: []string{"2"}}).serving()
			in.waitLine(`level=WARN msg="boot opened a socket that all workers would share: 127\.0\.0\.1:\d+ to ` + server.listener.Addr().String() +
				`" gen=1 kind=socket advice="connect again in after_fork`)

			// Worker 0 has asked and waits; while it is held up, worker 1 asks something else.
			slow := queue(t, in.socket(0), "/slow")
			if line := <-server.read; line != "slow" {
				t.Fatalf("the server has read %q", line)
			}
			freeze(t, in.worker(0))
			close(server.kept["slow"])
			if mended {
				close(server.kept["quick"])
			}
			quick := ask(t, in.socket(1), "/quick")
			if !mended {
				close(server.kept["quick"]) // not earlier: both could come in one read
			}
			kill(t, in.worker(0), syscall.SIGCONT)
			answers := [2]string{slow.answer().body, quick.body}
			want := [2]string{"quick", "slow"} // each has the other's
			if mended {
				want = [2]string{"slow", "quick"}
			}
			if answers != want {
				t.Errorf("the workers were answered %q, want %q", answers, want)
			}
		})
	}
}

func TestDoctorOfSharedSocket(t *testing.T) {
	t.Parallel()
	server := startLineServer(t)
	root := copyApp(t, "shared_socket")
	o := startOptions{root: root, env: []string{"LINES_ADDRESS=" + server.listener.Addr().String()}}
	diagnosed(t, exitFound, o).found(t, "socket", `^harm .* to `+server.listener.Addr().String()+`, held by Lines, LINES \| lib/lines\.rb:\d+$`)
	write(t, filepath.Join(root, "config", "launcher.rb"), "after_fork { LINES.reconnect }\n")
	diagnosed(t, exitOK, o).found(t, "socket", `^note .* \(a worker closes it before it serves\) \| lib/lines\.rb:\d+$`)
}
