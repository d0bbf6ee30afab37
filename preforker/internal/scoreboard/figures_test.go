package scoreboard

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// figuresScript has one worker serve what is a little less, as much, and a little more than each bound: at the offset that its board has for
// it, and by both ways of writing.
const figuresScript = `
	require ARGV[0]
	file = File.open(ARGV[1], "r+b")
	board = PreforkLauncher::Scoreboard.new(file)
	mapped = board.figures(1)
	written = PreforkLauncher::Figures.new(nil, file, mapped.instance_variable_get(:@offset) + PreforkLauncher::Figures::SIZE)
	[mapped, written].each do |figures|
		[0, 1, *PreforkLauncher::Figures::BOUNDS.flat_map { |bound| [bound - 1, bound, bound + 1] }, 86_400_000_000_000].each do |time|
			figures.waited(time)
			figures.waited(time) if time.odd?
			figures.ended(time, time.zero?)
		end
		figures.ended(2_000_000, false)
	end
	raise "the file was not mapped" if RUBY_VERSION >= "3.1" && !mapped.instance_variable_get(:@memory)
`

// TestReadsFiguresThatRubyWrites: the layout and the bounds are one fact in two languages.
func TestReadsFiguresThatRubyWrites(t *testing.T) {
	const records = 4
	path := filepath.Join(t.TempDir(), "board")
	if err := os.WriteFile(path, make([]byte, Size(records)), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ruby", "-W0", "-e", figuresScript, filepath.Join("..", "..", "..", "scripts", "scoreboard.rb"), path).CombinedOutput()
	if err != nil {
		t.Fatalf("ruby (install it: make deps): %v\n%s", err, out)
	}
	want := Figures{Last: 2 * time.Millisecond, Longest: 24 * time.Hour, Errors: 1}
	times := []time.Duration{0, 1, 24 * time.Hour}
	for _, bound := range Bounds() {
		times = append(times, bound-1, bound, bound+1)
	}
	for _, d := range times {
		want.Durations.Add(d)
		want.QueueTimes.Add(d)
		if d%2 == 1 {
			want.QueueTimes.Add(d)
		}
	}
	want.Durations.Add(2 * time.Millisecond)
	board, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer board.Close()
	for record, want := range []Figures{{}, want, want, {}} {
		if got, err := ReadFigures(board, records, record); err != nil || got != want {
			t.Errorf("record %d: %v\n got %+v\nwant %+v", record, err, got, want)
		}
		if entry, err := Read(board, record); err != nil || entry != (Entry{}) {
			t.Errorf("record %d was written to: %+v, %v", record, entry, err)
		}
	}
	if err := Clear(board, records, 1); err != nil {
		t.Fatal(err)
	}
	for record, want := range map[int]Figures{1: {}, 2: want} {
		if got, err := ReadFigures(board, records, record); err != nil || got != want {
			t.Errorf("record %d after Clear of 1: %+v, %v", record, got, err)
		}
	}
}

// servingBoard is one whose worker has served a request by the time that its record has been read, so many times.
type servingBoard struct {
	bytes  []byte
	serves int
}

func (b *servingBoard) ReadAt(p []byte, off int64) (int, error) {
	n := copy(p, b.bytes[off:])
	if len(p) == RecordSize && b.serves > 0 {
		b.serves--
		for _, counter := range []int{0, sequenceAgainAt} {
			binary.LittleEndian.PutUint32(b.bytes[counter:], binary.LittleEndian.Uint32(b.bytes[counter:])+1)
		}
		for _, counter := range []int{16, RecordSize + countsAt} {
			binary.LittleEndian.PutUint64(b.bytes[counter:], binary.LittleEndian.Uint64(b.bytes[counter:])+1)
		}
	}
	return n, nil
}

// TestReadAllIsOfOneMoment: a worker that serves meanwhile has not served more requests than its record says. One that never rests is read
// all the same.
func TestReadAllIsOfOneMoment(t *testing.T) {
	for serves, same := range map[int]bool{0: true, 1: true, 3: true, 1000: false} {
		board := &servingBoard{bytes: make([]byte, Size(1)), serves: serves}
		entry, told, err := ReadAll(board, 1, 0)
		if err != nil || (entry.Requests == told.Durations.Count()) != same || same && int(entry.Requests) != serves {
			t.Errorf("%d requests: %d, and figures of %d, %v", serves, entry.Requests, told.Durations.Count(), err)
		}
	}
	if _, _, err := ReadAll(bytes.NewReader(make([]byte, RecordSize)), 1, 0); err == nil {
		t.Error("figures that are not there")
	}
}

// A launcher looks for its predecessor's workers in the board of that one, which may be of another release.
func TestRecordsOfABoard(t *testing.T) {
	for size, want := range map[int64]int64{Size(1): 1, Size(4096): 4096, 4096 * RecordSize: 4096, RecordSize: 1, 0: 0} {
		if got := Records(size); got != want {
			t.Errorf("%d bytes: %d records, want %d", size, got, want)
		}
	}
}

func TestHistogram(t *testing.T) {
	var h, other Histogram
	h.Add(time.Millisecond)
	h.Add(time.Millisecond + 1)
	other.Add(2 * time.Minute)
	h.Join(&other)
	if h.Counts[0] != 1 || h.Counts[1] != 1 || h.Counts[Buckets-1] != 1 || h.Count() != 3 || h.Sum != 2*time.Minute+2*time.Millisecond+1 {
		t.Errorf("%+v", h)
	}
}
