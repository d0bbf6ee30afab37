package scoreboard

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestReadsWhatRubyWrites lets the Ruby side write a record: the layout is one fact in
// two languages.
func TestReadsWhatRubyWrites(t *testing.T) {
	board := filepath.Join(t.TempDir(), "board")
	if err := os.WriteFile(board, make([]byte, 4*RecordSize), 0o600); err != nil {
		t.Fatal(err)
	}
	script := `
		require ARGV[0]
		record = PreforkLauncher::Scoreboard.new(File.open(ARGV[1], "r+b")).record(2)
		record.booting
		record.idle
		record.busy("GET", "/first")
		[404, 500, 0].each { |status| record.answered(status) }
		record.idle
		record.collections(2.5, 0.25)
		record.response_begun
		record.busy("GET", "/second")
		record.response_begun
		record.allow(90.5)
		record.busy("PROPFINDPROPFINDPROPFIND", "/\u00fc" + "x" * 300)
	`
	out, err := exec.Command("ruby", "-e", script,
		filepath.Join("..", "..", "..", "scripts", "scoreboard.rb"), board).CombinedOutput()
	if err != nil {
		t.Fatalf("ruby (install it: make deps): %v\n%s", err, out)
	}
	file, err := os.OpenFile(board, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	entry, err := Read(file, 2)
	if err != nil {
		t.Fatal(err)
	}
	if entry.State != Busy || entry.Requests != 2 || entry.Pid == 0 || entry.Since <= 0 ||
		entry.RequestSeconds != 2.5 || entry.CollectionSeconds != 0.25 || !entry.Sound || entry.Errors != 2 ||
		entry.Begun || entry.Allowed != 0 ||
		entry.Since > 10*365*24*time.Hour || !entry.Cut || len(entry.Path) != pathMax {
		t.Errorf("%+v", entry)
	}
	if got, want := entry.Request()[:22], "PROPFINDPROPFIND /üxxx"; got[:len("PROPFINDPROPFIND /ü")] != want[:len("PROPFINDPROPFIND /ü")] {
		t.Errorf("request %q", got)
	}
	if err := Clear(file, 4, 2); err != nil {
		t.Fatal(err)
	}
	if entry, err := Read(file, 2); err != nil || entry != (Entry{}) {
		t.Errorf("after Clear: %+v, %v", entry, err)
	}
}

// TestReadsWhatRubyWritesOfARequestInHand: that its response has begun, and how much time the application asks for.
func TestReadsWhatRubyWritesOfARequestInHand(t *testing.T) {
	for code, want := range map[string]struct {
		begun   bool
		allowed time.Duration
	}{
		"":                                       {false, 0},
		"record.response_begun":                  {true, 0},
		"record.allow(90.5)":                     {false, 91 * time.Second},
		"record.allow(-5)":                       {false, time.Second},
		"record.allow(1e9)":                      {false, 65534 * time.Second},
		"record.allow(nil)":                      {false, Unbounded},
		"record.allow(1); record.response_begun": {true, 2 * time.Second},
	} {
		board := filepath.Join(t.TempDir(), "board")
		if err := os.WriteFile(board, make([]byte, 4*RecordSize), 0o600); err != nil {
			t.Fatal(err)
		}
		script := `require ARGV[0]
			record = PreforkLauncher::Scoreboard.new(File.open(ARGV[1], "r+b")).record(1)
			record.booting
			raise "allowed without a request" if record.allow(5)
			record.busy("GET", "/")
			` + code
		out, err := exec.Command("ruby", "-e", script, filepath.Join("..", "..", "..", "scripts", "scoreboard.rb"), board).CombinedOutput()
		if err != nil {
			t.Fatalf("ruby (install it: make deps): %v\n%s", err, out)
		}
		file, err := os.Open(board)
		if err != nil {
			t.Fatal(err)
		}
		entry, err := Read(file, 1)
		_ = file.Close()
		if err != nil || entry.Begun != want.begun || entry.Allowed != want.allowed || entry.State != Busy {
			t.Errorf("%s: %+v, %v, want %+v", code, entry, err, want)
		}
	}
}

type fixed []byte

func (f fixed) ReadAt(p []byte, off int64) (int, error) { return copy(p, f[off:]), nil }

func TestReadRefuses(t *testing.T) {
	long := make(fixed, RecordSize)
	long[9] = 200
	if _, err := Read(long, 0); err == nil {
		t.Error("a method of 200 bytes was read")
	}
}

// TestReadHalfWritten reads what a worker leaves that was killed while it wrote.
func TestReadHalfWritten(t *testing.T) {
	torn := make(fixed, RecordSize)
	binary.LittleEndian.PutUint32(torn, 7)
	torn[8], torn[16] = byte(Busy), 3
	if entry, err := Read(torn, 0); err != nil || !entry.Torn || entry.Sequence != 7 || entry.State != Busy || entry.Requests != 3 {
		t.Errorf("%+v, %v", entry, err)
	}
}

// unordered gives one board after the other, the last one for ever.
type unordered []fixed

func (u *unordered) ReadAt(p []byte, off int64) (int, error) {
	board := (*u)[0]
	if len(*u) > 1 {
		*u = (*u)[1:]
	}
	return board.ReadAt(p, off)
}

// TestReadUnordered: where writes are seen in another order the sequences are new, and what is between them is old.
func TestReadUnordered(t *testing.T) {
	old, whole := make(fixed, RecordSize), make(fixed, RecordSize)
	for _, board := range []fixed{old, whole} {
		binary.LittleEndian.PutUint32(board, 8)
		binary.LittleEndian.PutUint32(board[sequenceAgainAt:], 8)
		board[8] = byte(Busy)
	}
	whole[24] = 200
	entry, err := read(&unordered{old, whole}, 0, false)
	if err != nil || entry.Torn || entry.Since != 200 {
		t.Errorf("%+v, %v", entry, err)
	}
	if entry, err := read(&unordered{whole}, 0, false); err != nil || entry.Torn || entry.Since != 200 {
		t.Errorf("at rest: %+v, %v", entry, err)
	}
}

func TestRequestInHand(t *testing.T) {
	for _, test := range []struct {
		entry Entry
		want  string
	}{
		{Entry{State: Busy, Method: "GET", Path: "/a"}, "GET /a"},
		{Entry{State: Busy, Method: "GET", Path: "/a", Cut: true}, "GET /a…"},
		{Entry{State: Draining, Method: "GET", Path: "/a"}, "GET /a"},
		{Entry{State: Draining}, ""},
		{Entry{State: Idle, Method: "GET", Path: "/last"}, ""},
		{Entry{}, ""},
	} {
		if got := test.entry.Request(); got != test.want {
			t.Errorf("%+v: %q, want %q", test.entry, got, test.want)
		}
	}
}
