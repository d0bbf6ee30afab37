package preforker

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

// mostHeapFile is far more than such a file has, in bytes.
const mostHeapFile = 64 << 10

// heapFile remembers how many slots of each size the application's objects took when
// it was last loaded, by this Ruby. Whoever has no such file, or one that is damaged or
// of something else, starts without: it saves memory, and nothing depends on it.
type heapFile struct {
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

func newHeapFile(socketDir, ruby string, app App) *heapFile {
	identity := heapIdentity{Ruby: ruby, Root: app.Root, Entry: app.Entry}
	if info, err := os.Stat(ruby); err == nil {
		identity.Built = info.ModTime().Unix()
	}
	return &heapFile{path: filepath.Join(socketDir, heapFileName), identity: identity}
}

// read answers what is known, and false where that is nothing. The error is for the log.
func (f *heapFile) read() (heapRecord, bool, error) {
	text, err := smallfile.Read(f.path, mostHeapFile)
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
	// mostHeapBytes is a larger heap than anybody needs to have prepared: Ruby takes the memory at once.
	mostHeapBytes = 1 << 30
	// mostHeapSizes is how many sizes of slots a Ruby may have.
	mostHeapSizes = 32
)

// check refuses numbers that no Ruby has told.
func (r heapRecord) check() error {
	if len(r.Slots) > mostHeapSizes {
		return fmt.Errorf("there are %d sizes of slots", len(r.Slots))
	}
	room := mostHeapBytes
	for text, count := range r.Slots {
		size, err := strconv.Atoi(text)
		if err != nil || size < 1 || count < 0 || count > room/size {
			return fmt.Errorf("there are %d slots of size %.20q", count, text)
		}
		room -= size * count
	}
	return nil
}

// write keeps what a preloader has told, whole or not at all.
func (f *heapFile) write(version string, slots map[string]int) error {
	record := heapRecord{heapIdentity: f.identity, Version: version, Slots: slots}
	text, err := json.MarshalIndent(record, "", "  ")
	if err != nil {
		return err
	}
	f.mu.Lock()
	f.written = append(text, '\n')
	f.mu.Unlock()
	return f.writeAgain()
}

// lost says whether the file that was written is gone.
func (f *heapFile) lost() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, err := os.Lstat(f.path)
	return f.written != nil && err != nil && smallfile.IsMissing(err)
}

// writeAgain writes what was written last.
func (f *heapFile) writeAgain() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return smallfile.Replace(f.path, f.written, 0o600)
}
