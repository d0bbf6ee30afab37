package scoreboard

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"
)

// bounds are the upper ones of a Histogram's buckets, inclusive. Each is twice the one before, or more, so that Ruby finds the bucket
// of a time by the number of its bits and one comparison (scripts/figures.rb).
var bounds = [...]time.Duration{
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2500 * time.Millisecond, 5 * time.Second,
	10 * time.Second, 30 * time.Second, time.Minute,
}

// Buckets is how many a Histogram has: one for each bound, and one for what is above all of them.
const Buckets = len(bounds) + 1

// Bounds are the upper ones of the buckets of a Histogram, inclusive; the last bucket has none.
func Bounds() []time.Duration { return append([]time.Duration(nil), bounds[:]...) }

// Histogram is how often something lasted how long.
type Histogram struct {
	Sum    time.Duration
	Counts [Buckets]uint64 // of each bucket alone
}

// Count is how often it was in all.
func (h *Histogram) Count() (n uint64) {
	for _, count := range h.Counts {
		n += count
	}
	return n
}

// Add counts one more.
func (h *Histogram) Add(d time.Duration) {
	h.Sum += d
	for i, bound := range bounds {
		if d <= bound {
			h.Counts[i]++
			return
		}
	}
	h.Counts[len(bounds)]++
}

// Join counts what another one has counted.
func (h *Histogram) Join(other *Histogram) {
	h.Sum += other.Sum
	for i, count := range other.Counts {
		h.Counts[i] += count
	}
}

// FiguresSize is the size of a worker's figures in bytes. Layout, each a little-endian u64:
//
//	  0  nanoseconds of the last request, to the end of its response
//	  8  those of the longest
//	 16  those of all
//	 24  nanoseconds that requests have waited before, as far as their X-Request-Start told
//	 32  responses with 500 and more, or that broke off
//	 40  [16] requests by their duration: those of each bucket
//	168  [16] the same by how long they have waited
//	296  [24] nothing
//
// They are written with the end of a request, before the record says that none is in hand. So they count one more than that
// at times, and never one less. A kill in the middle of the write leaves each number as it was or as it was to be.
const FiguresSize = 320

const countsAt = 40

// figuresAt is where the figures of a record are, in a board of so many.
func figuresAt(records, record int) int64 {
	return int64(records)*RecordSize + int64(record)*FiguresSize
}

// Figures are what the requests of a worker took, as of the last one that has ended.
type Figures struct {
	Last, Longest time.Duration
	Errors        uint64
	Durations     Histogram
	QueueTimes    Histogram
}

// ReadFigures reads the figures of a record, in a board of so many.
func ReadFigures(board io.ReaderAt, records, record int) (Figures, error) {
	var buf [countsAt + 2*8*Buckets]byte
	if _, err := board.ReadAt(buf[:], figuresAt(records, record)); err != nil {
		return Figures{}, fmt.Errorf("read figures of record %d: %w", record, err)
	}
	number := func(at int) uint64 { return binary.LittleEndian.Uint64(buf[at:]) }
	f := Figures{Last: time.Duration(number(0)), Longest: time.Duration(number(8)), Errors: number(32)}
	f.Durations.Sum, f.QueueTimes.Sum = time.Duration(number(16)), time.Duration(number(24))
	for i := range Buckets {
		f.Durations.Counts[i], f.QueueTimes.Counts[i] = number(countsAt+8*i), number(countsAt+8*(Buckets+i))
	}
	return f, nil
}

// momentTries are more than it takes: a request takes longer than reading what is told of it.
const momentTries = 10

// ReadAll reads a record and its figures as they were at one moment, in a board of so many: the figures have as many requests as the record
// has served, or one more, which it has in hand. A worker that does not rest for that moment may be told by figures that are later.
func ReadAll(board io.ReaderAt, records, record int) (entry Entry, told Figures, err error) {
	for range momentTries {
		if entry, err = Read(board, record); err != nil {
			return entry, told, err
		}
		if told, err = ReadFigures(board, records, record); err != nil {
			return entry, told, err
		}
		sequence, err := Sequence(board, record)
		if err != nil || sequence == entry.Sequence {
			return entry, told, err
		}
	}
	return entry, told, nil
}
