package front

import (
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of what is kept of responses whose clients read more slowly than the workers write.
const (
	bufferMemory    = 64 << 10 // in memory, of one response
	minBufferMemory = 4 << 10  // the same where all together have what they may
	buffersMemory   = 16 << 20 // in memory, of all
	// spillAfter is how long a client may take nothing before what follows goes to a file: most of them take
	// something within that time, and a file would be a detour.
	spillAfter = 20 * time.Millisecond
)

// slabs are the memory of buffers, and of who puts into them.
var slabs = sync.Pool{New: func() any { return new([bufferMemory]byte) }}

// slab returns memory of that size, which freeSlab takes back.
func slab() []byte { return slabs.Get().(*[bufferMemory]byte)[:] }

func freeSlab(memory []byte) {
	if cap(memory) == bufferMemory {
		slabs.Put((*[bufferMemory]byte)(memory[:bufferMemory]))
	}
}

// buffers are the responses that wait for their clients.
type buffers struct {
	files  *spools
	memory atomic.Int64
}

// buffer is what a worker has written and its client has not taken yet: first in memory, and what follows that in a
// file without a name. One goroutine puts into it, another takes.
type buffer struct {
	owner   *buffers
	room    int           // bytes in memory
	arrived chan struct{} // there may be something to take
	taken   chan struct{} // there may be room

	mu      sync.Mutex
	memory  []byte
	file    *spool // nil until it is needed
	written int64  // to the file
	read    int64  // from the file
	ended   bool
	err     error // that it ended with
	gone    bool  // nobody takes any more

	chunk   []byte // what was taken last
	refused bool   // there is no file to be had
}

func (b *buffers) open() *buffer {
	room := bufferMemory
	if b.memory.Add(bufferMemory) > buffersMemory {
		b.memory.Add(minBufferMemory - bufferMemory)
		room = minBufferMemory
	}
	return &buffer{owner: b, room: room, arrived: make(chan struct{}, 1), taken: make(chan struct{}, 1)}
}

// close gives back what it has taken. Nobody puts or takes any more.
func (b *buffer) close() {
	b.owner.memory.Add(-int64(b.room))
	freeSlab(b.memory)
	freeSlab(b.chunk)
	if b.file != nil {
		_ = b.file.Close() // it has no name, and nobody reads it again
	}
}

// hand adds a piece that lies in a slab, and returns a slab for the next one. False says that nobody takes it. Where
// nothing waits before it, the piece changes its owner and is not copied.
func (b *buffer) hand(piece []byte) (next []byte, open bool) {
	b.mu.Lock()
	if b.gone || len(b.memory) > 0 || b.read < b.written || len(piece) > b.room {
		b.mu.Unlock()
		return piece[:bufferMemory], b.put(piece)
	}
	if b.written > 0 {
		b.rewind()
	}
	next, b.memory = b.memory, piece
	b.mu.Unlock()
	signal(b.arrived)
	if cap(next) != bufferMemory {
		next = slab()
	}
	return next[:bufferMemory], true
}

// put adds a piece, and waits where neither memory nor file have room. False says that nobody takes it.
func (b *buffer) put(p []byte) bool {
	for {
		n, spilling, open := b.store(p)
		if p = p[n:]; !open || len(p) == 0 {
			return open
		}
		if !spilling && b.awaitRoom(spillAfter) {
			continue
		}
		n = b.spill(p)
		if p = p[n:]; len(p) == 0 {
			return true
		}
		if n == 0 {
			b.awaitRoom(0)
		}
	}
}

// store adds to the memory what has room there. Nothing has where an older piece is yet to be read from the file.
func (b *buffer) store(p []byte) (n int, spilling, open bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone {
		return 0, false, false
	}
	if b.read < b.written {
		return 0, true, true
	}
	if b.written > 0 {
		b.rewind()
	}
	if b.memory == nil {
		b.memory = slab()[:0]
	}
	if n = min(len(p), b.room-len(b.memory)); n > 0 {
		b.memory = append(b.memory, p[:n]...)
		signal(b.arrived)
	}
	return n, false, true
}

// rewind has a file that was read to its end begin anew. The mutex is held.
func (b *buffer) rewind() {
	if err := b.file.rewind(); err != nil {
		b.refused = true
	}
	b.written, b.read = 0, 0
}

// spill adds to the file, as much as has room there.
func (b *buffer) spill(p []byte) int {
	if b.refused {
		return 0
	}
	if b.file == nil {
		file, err := b.owner.files.create()
		if err != nil {
			b.refused = true // the worker waits for the client instead
			return 0
		}
		b.mu.Lock()
		b.file = file
		b.mu.Unlock()
	}
	n, _ := b.file.Write(p) // the worker waits for the client where there is no room, and tries again
	if n > 0 {
		b.mu.Lock()
		b.written += int64(n)
		b.mu.Unlock()
		signal(b.arrived)
	}
	return n
}

// end says that nothing follows, and why: io.EOF after a whole response.
func (b *buffer) end(err error) {
	b.mu.Lock()
	b.ended, b.err = true, err
	b.mu.Unlock()
	signal(b.arrived)
}

// abandon says that nobody takes any more.
func (b *buffer) abandon() {
	b.mu.Lock()
	b.gone = true
	b.mu.Unlock()
	signal(b.taken)
}

// next waits for a piece, which is valid until the next call, and tells whether it is the last one. The error is
// that of end, after all that was put.
func (b *buffer) next() (piece []byte, last bool, err error) {
	for {
		b.mu.Lock()
		switch {
		case len(b.memory) > 0:
			b.chunk, b.memory = b.memory, b.chunk[:0]
			last = b.ended && b.err == io.EOF && b.read == b.written
			b.mu.Unlock()
			signal(b.taken)
			return b.chunk, last, nil
		case b.read < b.written:
			file, from, size := b.file.file, b.read, min(b.written-b.read, bufferMemory)
			b.mu.Unlock()
			return b.fromFile(file, from, int(size))
		case b.ended:
			defer b.mu.Unlock()
			return nil, true, b.err
		}
		b.mu.Unlock()
		<-b.arrived
	}
}

// fromFile reads a piece that is in the file, and says that it is read.
func (b *buffer) fromFile(file io.ReaderAt, from int64, size int) (piece []byte, last bool, err error) {
	if cap(b.chunk) < size {
		b.chunk = slab()
	}
	n, err := file.ReadAt(b.chunk[:size], from)
	if n < size {
		return nil, true, &spoolError{err}
	}
	b.mu.Lock()
	b.read += int64(n)
	last = b.ended && b.err == io.EOF && b.read == b.written
	b.mu.Unlock()
	signal(b.taken)
	return b.chunk[:n], last, nil
}

// awaitRoom waits until something was taken or nobody takes any more, for so long at most (0: for ever), and tells
// whether that happened.
func (b *buffer) awaitRoom(limit time.Duration) bool {
	var over <-chan time.Time
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-b.taken:
		return true
	case <-over:
		return false
	}
}

func signal(to chan<- struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}
