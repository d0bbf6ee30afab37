//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"
)

// terminal is a pseudo terminal with what was written to it.
type terminal struct {
	master *os.File
	mu     sync.Mutex
	screen bytes.Buffer
	read   sync.WaitGroup
}

// openTerminal makes a pseudo terminal (pts(4)) and returns the end for the program as well.
func openTerminal(t testing.TB) (*terminal, *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := master.SyscallConn() // Fd would make reads block, and Close wait for them
	if err != nil {
		t.Fatal(err)
	}
	var number, locked int32
	for request, value := range map[uintptr]*int32{syscall.TIOCGPTN: &number, syscall.TIOCSPTLCK: &locked} {
		var errno syscall.Errno
		err := raw.Control(func(fd uintptr) {
			_, _, errno = syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(unsafe.Pointer(value)))
		})
		if err != nil || errno != 0 {
			t.Fatal(err, errno)
		}
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	tty := &terminal{master: master}
	tty.read.Go(func() {
		for buf := make([]byte, 4096); ; {
			n, err := master.Read(buf) // EIO once nobody has the other end open
			tty.mu.Lock()
			tty.screen.Write(buf[:n])
			tty.mu.Unlock()
			if err != nil {
				return
			}
		}
	})
	t.Cleanup(func() {
		tty.read.Wait()
		_ = master.Close()
		if t.Failed() {
			t.Logf("the terminal shows %q", tty.text())
		}
	})
	return tty, slave
}

func (tty *terminal) text() string {
	tty.mu.Lock()
	defer tty.mu.Unlock()
	return tty.screen.String()
}

// startOn runs a launcher with one file for all of its input and output, which it takes over.
// Its lines are not read; with terminal set the file is its controlling terminal.
func startOn(t testing.TB, root string, file *os.File, terminal bool, args ...string) *instance {
	t.Helper()
	in := &instance{t: t, root: root, changed: make(chan struct{}), exited: make(chan struct{})}
	in.cmd = exec.Command(os.Args[0], args...)
	in.cmd.Dir, in.cmd.Env = root, append(cleanEnv(), asLauncher+"=1")
	in.cmd.Stdout, in.cmd.Stderr = file, file
	if terminal {
		in.cmd.Stdin, in.cmd.SysProcAttr = file, &syscall.SysProcAttr{Setsid: true, Setctty: true}
	}
	err := in.cmd.Start()
	_ = file.Close()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		in.err = in.cmd.Wait()
		close(in.exited)
	}()
	t.Cleanup(in.cleanup)
	return in
}

// TestTerminal: a spinner with the seconds while the application loads, then the table, and
// Ctrl-C stops it.
func TestTerminal(t *testing.T) {
	t.Parallel()
	root := writeApp(t, map[string]string{"hold": "", "config.ru": `
puts "looking around"
$stdout.flush
sleep 0.01 while File.exist?(File.join(__dir__, "hold"))
run ->(_env) { [200, {}, ["hello"]] }
`})
	tty, slave := openTerminal(t)
	in := startOn(t, root, slave, true, "2")
	in.waitFor("the spinner", func() bool {
		shown := tty.text()
		return regexp.MustCompile(`[|/\\-] loading the application 1 s`).MatchString(shown) && strings.Contains(shown, "| looking around\r\n")
	})
	remove(t, filepath.Join(root, "hold"))
	in.waitFor("the table", func() bool { return strings.Contains(tty.text(), "2 workers are ready. lighttpd: include") })
	_, after, _ := strings.Cut(tty.text(), "SLOT")
	table := regexp.MustCompile(`^  PID +STATE  SOCKET\r\n0     \d+ +ready  ` + in.socket(0) + `\r\n1     \d+ +ready  ` + in.socket(1) + `\r\n`)
	if !table.MatchString(after) {
		t.Errorf("the table is %q", after)
	}
	for _, p := range in.titled("launcher ") {
		if group, err := syscall.Getpgid(p.pid); err != nil || group == in.cmd.Process.Pid {
			t.Errorf("%q is in the terminal's process group: Ctrl-C would reach it", p.title)
		}
	}
	if _, err := tty.master.Write([]byte{3}); err != nil { // Ctrl-C: the line discipline makes it a signal
		t.Fatal(err)
	}
	in.gone(0)
	tty.read.Wait()
	if shown := tty.text(); !strings.Contains(shown, "msg=stopping signal=INT") || strings.HasSuffix(shown, " s") {
		t.Error("it did not stop as asked, or left half a line")
	}
}

// TestNoTerminal: what goes to a file has no escape codes, and no spinner.
func TestNoTerminal(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: copyApp(t, "broken_noisy"), args: []string{"1"}}).serving()
	for _, stream := range []string{"out", "err"} { // each in its own order, and perhaps after the workers
		in.waitLine(`\b` + stream + ` 4999:`)
	}
	if n := in.count(`(out|err) \d+: loading one more`); n != 10_000 {
		t.Errorf("%d of 10000 lines were passed on", n)
	}
	if a := ask(t, in.socket(0), "/"); !a.is("quiet now\n") {
		t.Errorf("%v", a)
	}
	in.signal(syscall.SIGTERM)
	in.gone(0)
	if log := in.log(); strings.ContainsAny(log, "\x1b\r\b") || strings.Contains(log, "loading the application 0 s") {
		t.Error("the log has control characters")
	}
	if out := in.stdout.String(); !strings.Contains(out, in.socket(0)) || strings.Contains(out, "level=") {
		t.Errorf("standard output is %q", out)
	}
}

// TestTerminalThatIsClosed: the kernel's HUP is not an operator's. Nobody is left to see
// or to stop what goes on, so it ends.
func TestTerminalThatIsClosed(t *testing.T) {
	t.Parallel()
	tty, slave := openTerminal(t)
	in := startOn(t, copyApp(t, "hello"), slave, true, "1")
	in.waitFor("the table", func() bool { return strings.Contains(tty.text(), "1 worker is ready") })
	if err := tty.master.Close(); err != nil {
		t.Fatal(err)
	}
	in.gone(0)
}
