package linux

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestListenModeAndBacklog(t *testing.T) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	path := filepath.Join(t.TempDir(), "s")
	l, err := Listen(path, SocketOptions{Mode: 0o660, Gid: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o660 {
		t.Errorf("mode %o, want 660", got)
	}
	if conn, err := Accept(l); conn != nil || err != nil {
		t.Errorf("Accept on an empty backlog = %v, %v", conn, err)
	}
	client, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	conn, err := Accept(l)
	if err != nil || conn == nil {
		t.Fatalf("Accept = %v, %v", conn, err)
	}
	conn.Close()
}

func TestListenLeavesNothingWhenItFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	if os.Getuid() != 0 {
		// Only root may give a file away, and only a failing chown fails late.
		if l, err := Listen(path, SocketOptions{Mode: 0o660, Gid: 0}); err == nil {
			l.Close()
			t.Fatal("Listen gave the socket to group 0")
		}
	}
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path, SocketOptions{Mode: 0o660, Gid: -1}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("Listen over a regular file: %v, want EADDRINUSE", err)
	}
	if text, _ := os.ReadFile(path); string(text) != "precious" {
		t.Error("Listen touched a regular file")
	}
}

func TestSocketPeer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	if _, listening, err := SocketPeer(path); listening || err != nil {
		t.Errorf("no file: %v, %v", listening, err)
	}
	l, err := Listen(path, SocketOptions{Mode: 0o600, Gid: -1})
	if err != nil {
		t.Fatal(err)
	}
	pid, listening, err := SocketPeer(path)
	if pid != os.Getpid() || !listening || err != nil {
		t.Errorf("own socket: pid %d, %v, %v", pid, listening, err)
	}
	l.Close()
	if _, listening, err := SocketPeer(path); listening || err != nil {
		t.Errorf("stale file: %v, %v", listening, err)
	}
}

func TestPacketPairCarriesPacketsAndFiles(t *testing.T) {
	ours, theirs, err := PacketPair("test")
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	for _, packet := range [][]byte{[]byte("one"), bytes.Repeat([]byte("x"), 100_000)} {
		if _, err := theirs.Write(packet); err != nil {
			t.Fatal(err)
		}
		got, err := ours.Receive()
		if err != nil || !bytes.Equal(got, packet) {
			t.Fatalf("Receive = %d bytes, %v; want %d", len(got), err, len(packet))
		}
	}
	for i := 0; ; i++ {
		err := ours.Send([]byte("fill"))
		if errors.Is(err, ErrWouldBlock) {
			if i < 100 {
				t.Errorf("queue full after %d packets", i)
			}
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	theirs.Close()
	if _, err := ours.Receive(); err != io.EOF {
		t.Errorf("after close: %v, want EOF", err)
	}
}

func TestFollowChild(t *testing.T) {
	for _, test := range []struct {
		script string
		signal syscall.Signal
		want   string
	}{
		{"exit 3", 0, "exit status 3"},
		{"kill -SEGV $$", 0, "signal SIGSEGV"},
		{"read x", syscall.SIGKILL, "signal SIGKILL"},
	} {
		cmd := exec.Command("sh", "-c", "echo up; "+test.script)
		in, _ := cmd.StdinPipe()
		out, _ := cmd.StdoutPipe()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		child, err := FollowChild(cmd.Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(out, make([]byte, 3)); err != nil {
			t.Fatal(err)
		}
		if test.signal != 0 {
			if err := child.Signal(test.signal); err != nil {
				t.Fatal(err)
			}
		}
		status, err := wait(child)
		if got := strings.TrimSuffix(status.String(), " (core dumped)"); got != test.want || err != nil {
			t.Errorf("%s: %q, %v; want %q", test.script, got, err, test.want)
		}
		if err := child.Signal(syscall.SIGTERM); err != nil {
			t.Errorf("signal after the end: %v", err)
		}
		in.Close()
		_ = cmd.Process.Release()
	}
}

func TestReapOrphansLeavesTheKnown(t *testing.T) {
	if err := BecomeSubreaper(); err != nil {
		t.Fatal(err)
	}
	// A shell starts a grandchild, tells its pid and ends: the grandchild comes
	// here as an orphan and ends when its input does.
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", "exec 3<&0; (read x <&3; exit 7) >&- 2>&- & echo $!")
	cmd.Stdin = read
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	read.Close()
	orphan := atoi(t, strings.TrimSpace(string(out)))

	child, err := FollowChild(orphan)
	if err != nil {
		t.Fatal(err)
	}
	known := func(pid int) bool { return pid == orphan }
	write.Close()
	waitForZombie(t, orphan)
	if reaped := ReapOrphans(known); len(reaped) != 0 {
		t.Fatalf("stole %v", reaped)
	}
	if status, err := wait(child); err != nil || status.Code != 7 {
		t.Errorf("Wait = %v, %v; want exit status 7", status, err)
	}

	ended := exec.Command("true")
	if err := ended.Start(); err != nil {
		t.Fatal(err)
	}
	waitForZombie(t, ended.Process.Pid)
	if reaped := ReapOrphans(func(int) bool { return false }); len(reaped) != 1 || reaped[0] != ended.Process.Pid {
		t.Errorf("reaped %v, want [%d]", reaped, ended.Process.Pid)
	}
	_ = ended.Process.Release()
}

func TestFinishKeepsWhatWasSent(t *testing.T) {
	ours, theirs, err := PacketPair("test")
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	defer theirs.Close() // open all the while
	if _, err := theirs.Write([]byte("last words")); err != nil {
		t.Fatal(err)
	}
	ours.Finish()
	if got, err := ours.Receive(); err != nil || string(got) != "last words" {
		t.Errorf("Receive = %q, %v", got, err)
	}
	if _, err := ours.Receive(); err != io.EOF {
		t.Errorf("then %v, want EOF", err)
	}
}

// TestWaitForAGrandchild waits for a process whose parent is still there and does not
// reap it: it becomes a child of the test when the one in between leaves.
func TestWaitForAGrandchild(t *testing.T) {
	if err := BecomeSubreaper(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("ruby", "--disable-gems", "-e", "$stdout.sync = true; puts fork { exit!(7) }; $stdin.read")
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 16)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	child, err := FollowChild(atoi(t, strings.TrimSpace(string(line[:n]))))
	if err != nil {
		t.Fatal(err)
	}
	waited := make(chan error)
	go func() {
		status, err := wait(child)
		if err == nil && status.Code != 7 {
			err = errors.New(status.String())
		}
		waited <- err
	}()
	in.Close()
	if err := <-waited; err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
