package scoreboard

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"runtime"
	"sync"
	"time"
)

// RecordSize is the size of a record in bytes. It is the same in all releases: a launcher looks for its predecessor's workers in the
// board of that one. Layout, little-endian:
//
//	  0  u32  sequence: changes with every write
//	  4  u32  pid
//	  8  u8   state (State)
//	  9  u8   length of the method that follows at 40
//	 10  u16  length of the path that follows at 56
//	 12  u8   1 where method or path did not fit and were cut
//	 13  u8   1 once a response had another status than 500
//	 14  u16  responses with 500 since then, or that broke off, at most 65535
//	 16  u64  requests served
//	 24  u64  CLOCK_MONOTONIC nanoseconds at which the state began
//	 32  f32  CPU seconds of requests, as of the last collection that was made or put off
//	 36  f32  CPU seconds of the collections between them
//	 40  [16] method of the request in hand, or of the last one
//	 56  [192] its path
//	248  u8   1 once the response to the request in hand has begun
//	250  u16  seconds from its beginning that the application lets it take until then; 0: as all, 65535: any time
//	252  u32  sequence, again
//
// What is at 248 and 250 is written by itself, while a request is in hand, and cleared with the next write of all others.
const RecordSize = 256

// Size is the size of a board of so many records, and of as many Figures behind all of them.
func Size(records int) int64 { return int64(records) * (RecordSize + FiguresSize) }

// Records is how many records a board of this size has. Those of earlier releases have no figures.
func Records(size int64) int64 {
	if size%(RecordSize+FiguresSize) == 0 {
		return size / (RecordSize + FiguresSize)
	}
	return size / RecordSize
}

// FileName is what the scoreboard of the launcher in a socket folder is called where /proc shows
// it.
func FileName(dir string) string { return "launcher-scoreboard " + dir }

const (
	methodAt, methodMax = 40, 16
	pathAt, pathMax     = 56, 192
	begunAt, allowedAt  = 248, 250
	sequenceAgainAt     = 252
)

// Unbounded is what a request is allowed that may take any time.
const Unbounded = math.MaxUint16 * time.Second

// State is what a worker says that it does.
type State uint8

// The states of a record. Empty: nothing was ever written.
const (
	Empty State = iota
	Booting
	Idle
	Busy
	Draining
	Receiving // a connection is in hand, but no request
)

// String names the state as the process title does.
func (s State) String() string {
	names := [...]string{"empty", "booting", "idle", "busy", "draining", "receiving"}
	if int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// Entry is a record, read.
type Entry struct {
	Sequence uint32 // another one with every write
	Torn     bool   // it was caught half written each time that it was read
	Pid      int
	State    State
	Requests uint64        // served to their end
	Since    time.Duration // on CLOCK_MONOTONIC: when the state began
	Method   string
	Path     string // without the query: that may hold secrets
	Cut      bool   // method or path are longer than a record holds

	Sound  bool   // a response had another status than 500
	Errors uint64 // responses with 500 since the last other one, or that broke off

	Begun   bool          // the response to the request in hand has begun
	Allowed time.Duration // until then, from the request's beginning, where the application has said so; or Unbounded

	// CPU time of requests, and of the collections of garbage between them.
	RequestSeconds, CollectionSeconds float64
}

// Request is the request in hand, "GET /posts", or "" where there is none.
func (e Entry) Request() string {
	if e.State != Busy && !(e.State == Draining && e.Method != "") {
		return ""
	}
	text := e.Method + " " + e.Path
	if e.Cut {
		text += "…"
	}
	return text
}

// tries is generous: a write takes about a microsecond.
const tries = 100

// buffers are shared: hundreds of records are read five times a second, and what is garbage has the stacks of as many goroutines
// searched.
var buffers = sync.Pool{New: func() any { return new([RecordSize]byte) }}

// ordered says whether a CPU of this kind sees what another one writes in the order of its writes. On arm64 both sequences may be
// new, and what is between them old for a moment: what is read twice, and is the same, is whole there.
const ordered = runtime.GOARCH == "amd64"

// Read reads one record of a board. One whose worker was killed in mid-write is half the old one and half the new one: each
// number is of either, and the method and the path may be a mixture.
func Read(board io.ReaderAt, record int) (Entry, error) { return read(board, record, ordered) }

func read(board io.ReaderAt, record int, ordered bool) (Entry, error) {
	buf, before := buffers.Get().(*[RecordSize]byte), buffers.Get().(*[RecordSize]byte)
	defer buffers.Put(buf)
	defer buffers.Put(before)
	torn := true
	for i := range tries {
		*before = *buf
		_, err := board.ReadAt(buf[:], int64(record)*RecordSize)
		if err != nil {
			return Entry{}, fmt.Errorf("read record %d: %w", record, err)
		}
		if !ordered && (i == 0 || !bytes.Equal(before[:], buf[:])) {
			continue
		}
		if binary.LittleEndian.Uint32(buf[0:]) == binary.LittleEndian.Uint32(buf[sequenceAgainAt:]) {
			torn = false
			break
		}
	}
	entry, err := decode(buf)
	entry.Torn = torn && err == nil
	return entry, err
}

// Sequence reads the sequence of a record alone: where that is the same as in an Entry that is not torn, nothing has changed but
// whether the response has begun, and what the application allows the request.
func Sequence(board io.ReaderAt, record int) (uint32, error) {
	buf := buffers.Get().(*[RecordSize]byte)
	defer buffers.Put(buf)
	if _, err := board.ReadAt(buf[:4], int64(record)*RecordSize); err != nil {
		return 0, fmt.Errorf("read record %d: %w", record, err)
	}
	return binary.LittleEndian.Uint32(buf[:]), nil
}

func decode(buf *[RecordSize]byte) (Entry, error) {
	method, path := int(buf[9]), int(binary.LittleEndian.Uint16(buf[10:]))
	if method > methodMax || path > pathMax {
		return Entry{}, fmt.Errorf("decode record: lengths %d and %d, at most %d and %d", method, path, methodMax, pathMax)
	}
	return Entry{
		Sequence: binary.LittleEndian.Uint32(buf[0:]),
		Pid:      int(binary.LittleEndian.Uint32(buf[4:])),
		State:    State(buf[8]),
		Requests: binary.LittleEndian.Uint64(buf[16:]),
		Since:    time.Duration(binary.LittleEndian.Uint64(buf[24:])),
		Method:   string(buf[methodAt : methodAt+method]),
		Path:     string(buf[pathAt : pathAt+path]),
		Cut:      buf[12] == 1,
		Sound:    buf[13] == 1,
		Errors:   uint64(binary.LittleEndian.Uint16(buf[14:])),
		Begun:    buf[begunAt] == 1,
		Allowed:  time.Duration(binary.LittleEndian.Uint16(buf[allowedAt:])) * time.Second,

		RequestSeconds: float(buf[32:]), CollectionSeconds: float(buf[36:]),
	}, nil
}

func float(b []byte) float64 { return float64(math.Float32frombits(binary.LittleEndian.Uint32(b))) }

// Clear empties a record for its next worker, and its figures, in a board of so many records.
func Clear(board io.WriterAt, records, record int) error {
	var empty [max(RecordSize, FiguresSize)]byte
	_, err := board.WriteAt(empty[:RecordSize], int64(record)*RecordSize)
	if err == nil {
		_, err = board.WriteAt(empty[:FiguresSize], figuresAt(records, record))
	}
	if err != nil {
		return fmt.Errorf("clear record %d: %w", record, err)
	}
	return nil
}
