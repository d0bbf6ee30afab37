//go:build linux

package proc

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

const restOfStat = " S 1 41 40 0 -1 4194560 1500 900 7 3 12 5 0 0 20 0 3 0 8812 123456789 15000 18446744073709551615 1 1"

func TestParseStat(t *testing.T) {
	for _, comm := range []string{"ruby", "tmux: server", "a) S 9 (b", "", ")", "(", "))) R 1 1", "two\nlines", "\xff\x00"} {
		got, err := ParseStat([]byte("42 (" + comm + ")" + restOfStat + "\n"))
		want := Process{Pid: 42, Parent: 1, Group: 41, Session: 40, Start: 8812, State: 'S', Comm: comm, Faults: 1507, Resident: 15000 * uint64(os.Getpagesize()), CPU: 170 * time.Millisecond}
		if got != want || err != nil {
			t.Errorf("%q: %+v, %v", comm, got, err)
		}
	}
}

func TestParseStatRefuses(t *testing.T) {
	for _, text := range []string{
		"", "42", "42 (", "42 ()", "42 (ruby)", "42 (ruby) S", "42 (ruby) S 1", "(ruby)" + restOfStat, ") (", "4) (",
		"x (ruby)" + restOfStat, "-1 (ruby)" + restOfStat, "2147483648 (ruby)" + restOfStat,
		"42 (ruby)" + strings.Replace(restOfStat, " S ", " SS ", 1),
		"42 (ruby)" + strings.Replace(restOfStat, " S 1 ", " S x ", 1),
		"42 (ruby)" + strings.Replace(restOfStat, " 1500 ", " -5 ", 1),
		"42 (ruby)" + strings.Replace(restOfStat, " 8812 ", " late ", 1),
	} {
		if got, err := ParseStat([]byte(text)); err == nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

// A process that is reaped while its file is read has no parent, group and session any more.
func TestParseStatOfAReapedProcess(t *testing.T) {
	for _, text := range []string{"42 (ruby) X 0 -1 -1 0 -1 4228108 80 0 0 0 0 0 0 0 20 0 1 0 8812 0 0 0", "42 (ruby)" + strings.Replace(restOfStat, " 1 41 40 ", " 0 -1 -1 ", 1)} {
		if got, err := ParseStat([]byte(text)); !errors.Is(err, ErrGone) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func TestProcessOfSelf(t *testing.T) {
	p, err := ProcessOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if p.Pid != os.Getpid() || p.Parent != os.Getppid() || p.Start == 0 || p.Faults == 0 || p.Resident == 0 || p.Zombie() {
		t.Errorf("%+v", p)
	}
}

func TestTitle(t *testing.T) {
	ruby := startRuby(t, `Process.setproctitle("worker 3:\t\e[31mgrün " + "é" * 200); puts; $stdin.read`)
	ruby.expect("")
	title := Title(ruby.pid())
	if want := "worker 3:  [31mgrün éééé"; !strings.HasPrefix(title, want) {
		t.Errorf("title %q does not start with %q", title, want)
	}
	if len(title) > maxTitle || len(title) < maxTitle-utf8.UTFMax || !utf8.ValidString(title) {
		t.Errorf("title of %d bytes: %q", len(title), title)
	}
	helper := startHelper(t, helpGrow)
	helper.expect("ready") // its program is there by then
	if got := Title(helper.pid()); got != self(t) {
		t.Errorf("title %q, want %q", got, self(t))
	}
	_ = helper.input.Close()
	helper.awaitZombie()
	name := filepath.Base(self(t))
	if got, want := Title(helper.pid()), "["+name[:min(len(name), 15)]+"]"; got != want {
		t.Errorf("title of a zombie: %q, want %q", got, want)
	}
}

func TestCleanTitle(t *testing.T) {
	for text, want := range map[string]string{
		"ruby\x00-e\x00pu\x00": "ruby -e pu", "worker\x00\x00\x00": "worker", "\x00\x00": "", "": "",
		"a\xffb": "a\uFFFDb", "éé": "éé", "éééééé": "ééééé", "12345678 éé": "12345678",
	} {
		if got := cleanTitle(text, 10); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
