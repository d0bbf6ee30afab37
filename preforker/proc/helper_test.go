//go:build linux

package proc

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// asHelper makes the test binary play a process to look at.
const asHelper = "MEMORY_TEST_HELPER"

const (
	helpGrow  = "grow"  // maps and touches as many MB as each line that it reads asks for
	helpSplit = "split" // compares its own pages with themselves and prints the error
	helpRead  = "read"  // reads the memory of the first process and says whether it may not
)

func TestMain(m *testing.M) {
	switch os.Getenv(asHelper) {
	case "":
		os.Exit(m.Run())
	case helpGrow:
		helperGrow()
	case helpSplit:
		_, err := SplitPrivate(os.Getpid(), os.Getpid())
		fmt.Println(err)
	case helpRead:
		_, err := Of(1)
		fmt.Printf("permission denied: %v\n", errors.Is(err, os.ErrPermission))
	}
}

func helperGrow() {
	fmt.Println("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		megabytes, err := strconv.Atoi(lines.Text())
		if err != nil {
			panic(err)
		}
		memory, err := syscall.Mmap(-1, 0, megabytes<<20, syscall.PROT_READ|syscall.PROT_WRITE,
			syscall.MAP_PRIVATE|syscall.MAP_ANON)
		if err != nil {
			panic(err)
		}
		// One fault a page, whatever the machine's setting of huge pages.
		if err := syscall.Madvise(memory, syscall.MADV_NOHUGEPAGE); err != nil && err != syscall.EINVAL {
			panic(err)
		}
		for at := 0; at < len(memory); at += os.Getpagesize() {
			memory[at] = 1
		}
		fmt.Println("grown")
	}
}

// process is a child of the test that waits for lines and answers them.
type process struct {
	t     testing.TB
	cmd   *exec.Cmd
	input io.WriteCloser
	lines *bufio.Reader
}

// start runs a command and makes sure that it has ended when the test has.
func start(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd}
	var err error
	if p.input, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewReader(out)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.end)
	return p
}

func startHelper(t testing.TB, what string) *process {
	t.Helper()
	cmd := exec.Command(self(t))
	cmd.Env = append(os.Environ(), asHelper+"="+what)
	return start(t, cmd)
}

// startUnprivileged starts a helper without the capabilities that open other processes and
// show frames. Where the test is no root, it has neither itself.
func startUnprivileged(t testing.TB, what string) *process {
	t.Helper()
	const drop = "-sys_admin,-sys_ptrace"
	cmd := exec.Command("setpriv", "--bounding-set="+drop, "--inh-caps="+drop, self(t))
	if os.Getuid() != 0 {
		cmd = exec.Command(self(t))
	}
	cmd.Env = append(os.Environ(), asHelper+"="+what)
	return start(t, cmd)
}

func startRuby(t testing.TB, script string) *process {
	t.Helper()
	return start(t, exec.Command("ruby", "-Ku", "--disable-gems", "-e", "$stdout.sync = true\n"+script))
}

func self(t testing.TB) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) send(line string) {
	p.t.Helper()
	if _, err := io.WriteString(p.input, line+"\n"); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) line() string {
	p.t.Helper()
	line, err := p.lines.ReadString('\n')
	if err != nil {
		p.t.Fatalf("read from %v: %v", p.cmd.Args, err)
	}
	return strings.TrimSuffix(line, "\n")
}

func (p *process) number() int {
	p.t.Helper()
	return atoi(p.t, p.line())
}

// expect reads a line that is known.
func (p *process) expect(want string) {
	p.t.Helper()
	if got := p.line(); got != want {
		p.t.Fatalf("%v said %q, want %q", p.cmd.Args, got, want)
	}
}

// end kills and reaps the process. What it has forked reads the end of a pipe from it.
func (p *process) end() {
	_ = p.input.Close()
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// awaitZombie blocks until the process has ended, and leaves it to be reaped.
func (p *process) awaitZombie() {
	p.t.Helper()
	const idPid, exited, noWait = 1, 4, 0x01000000 // P_PID, WEXITED, WNOWAIT of waitid(2)
	for {
		_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, idPid, uintptr(p.pid()), 0, exited|noWait, 0, 0)
		if errno == 0 {
			return
		}
		if errno != syscall.EINTR {
			p.t.Fatalf("wait for %d: %v", p.pid(), errno)
		}
	}
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// near compares two sizes, or two differences of sizes, which may be below zero.
func near(t *testing.T, what string, got, want, tolerance uint64) {
	t.Helper()
	if off := int64(got - want); max(off, -off) > int64(tolerance) {
		t.Errorf("%s is %d kB, want %d kB, give or take %d", what, int64(got)>>10, int64(want)>>10, tolerance>>10)
	}
}

func matches(err error, pattern string) bool {
	return err != nil && regexp.MustCompile(pattern).MatchString(err.Error())
}

func atoi(t testing.TB, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
