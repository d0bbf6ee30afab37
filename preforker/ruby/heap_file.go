package ruby

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"launcher/preforker/smallfile"
)

// heapFileName is beside the sockets. It stays when the launcher stops: it is for
// the next start.
const heapFileName = "launcher.heap"

// maxHeapFile is far more than such a file has, in bytes.
const maxHeapFile = 64 << 10

// HeapFile remembers how many slots of each size the application's objects took when
// it was last loaded, by this Ruby. Whoever has no such file, or one that is damaged or
// of something else, starts without: it saves memory, and nothing depends on it.
type HeapFile struct {
	path     string
	identity heapIdentity

	mu      sync.Mutex
	written []byte // last; nil: nothing
}

// heapIdentity is what the numbers hold for.
type heapIdentity struct {
	Ruby  string `json:"ruby"`  // path
	Built int64  `json:"built"` // modification time of the interpreter, in seconds
	Root  string `json:"root"`
	Entry string `json:"entry"`
}

type heapRecord struct {
	heapIdentity
	Version string         `json:"version"` // RUBY_VERSION
	Slots   map[string]int `json:"slots"`   // by size in bytes
}

// NewHeapFile is the one of an application in the folder of its sockets. Ruby is the path of the
// interpreter.
func NewHeapFile(socketDir, ruby string, app App) *HeapFile {
	identity := heapIdentity{Ruby: ruby, Root: app.Root, Entry: app.Entry}
	if info, err := os.Stat(ruby); err == nil {
		identity.Built = info.ModTime().Unix()
	}
	return &HeapFile{path: filepath.Join(socketDir, heapFileName), identity: identity}
}

// read returns what is known, and false where that is nothing. The error is for the log.
func (f *HeapFile) read() (heapRecord, bool, error) {
	text, err := smallfile.Read(f.path, maxHeapFile)
	if errors.Is(err, fs.ErrNotExist) {
		return heapRecord{}, false, nil
	}
	if err != nil {
		return heapRecord{}, false, err
	}
	var record heapRecord
	if err := json.Unmarshal(text, &record); err != nil {
		return heapRecord{}, false, fmt.Errorf("read %s: %w", f.path, err)
	}
	if err := record.check(); err != nil {
		return heapRecord{}, false, fmt.Errorf("read %s: %w", f.path, err)
	}
	return record, record.heapIdentity == f.identity && len(record.Slots) > 0, nil
}

const (
	// maxHeapBytes is a larger heap than anybody needs to have prepared: Ruby takes the memory at
	// once.
	maxHeapBytes = 1 << 30
	// maxHeapSizes is how many sizes of slots a Ruby may have.
	maxHeapSizes = 32
)

// check refuses numbers that no Ruby has told.
func (r heapRecord) check() error {
	if len(r.Slots) > maxHeapSizes {
		return fmt.Errorf("there are %d sizes of slots", len(r.Slots))
	}
	room := maxHeapBytes
	for text, count := range r.Slots {
		size, err := strconv.Atoi(text)
		if err != nil || size < 1 || count < 0 || count > room/size {
			return fmt.Errorf("there are %d slots of size %.20q", count, text)
		}
		room -= size * count
	}
	return nil
}

// Write keeps what a preloader has told: the version of Ruby, and how many slots of each size in
// bytes. It writes the file whole or not at all.
func (f *HeapFile) Write(version string, slots map[string]int) error {
	record := heapRecord{heapIdentity: f.identity, Version: version, Slots: slots}
	text, err := json.MarshalIndent(record, "", "  ")
	if err != nil {
		return err
	}
	f.mu.Lock()
	f.written = append(text, '\n')
	f.mu.Unlock()
	return f.WriteAgain()
}

// Lost says whether the file that was written is gone.
func (f *HeapFile) Lost() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, err := os.Lstat(f.path)
	return f.written != nil && err != nil && smallfile.IsMissing(err)
}

// WriteAgain writes what was written last.
func (f *HeapFile) WriteAgain() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return smallfile.Replace(f.path, f.written, 0o600)
}
