package preforker

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"syscall"
	"time"

	"launcher/preforker/core"
	"launcher/preforker/hint"
	"launcher/preforker/history"
	"launcher/preforker/linux"
	"launcher/preforker/smallfile"
)

const tryRecord = "name a file that can be written with --record"

// recorder appends what the core is told and decides to a file. The loop owns it.
type recorder struct {
	file    *os.File
	history *history.Writer
	log     *slog.Logger
	failed  bool // which was told
}

// newRecorder begins a history in the file that the configuration names.
func newRecorder(config Config, policy core.Policy, began time.Time) (*recorder, error) {
	file, err := openRecord(config.Record)
	if err != nil {
		return nil, hint.Errorf(tryRecord, "open record: %w", err)
	}
	out, err := history.NewWriter(file, history.Header{Launcher: config.Version, Began: began, Slots: config.Workers, Policy: policy})
	if err != nil {
		_ = file.Close()
		return nil, hint.Errorf(tryRecord, "begin record: %w", err)
	}
	return &recorder{file: file, history: out, log: config.Log}, nil
}

// openRecord opens a file to append a history to it, and keeps other launchers from that. It waits for nothing: a pipe
// that nobody reads would hold the loop.
func openRecord(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_RDWR|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0o600)
	if err != nil {
		return nil, err
	}
	if err := takeRecord(file); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return file, nil
}

// takeRecord locks a file that is a record, or is to be one; what else the path may lead to is left as it is.
func takeRecord(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return smallfile.ErrNotFile
	}
	switch locked, err := linux.TryLock(file); {
	case err != nil:
		return err
	case !locked:
		return errors.New("another launcher writes to it")
	}
	begin := make([]byte, 64)
	n, err := file.ReadAt(begin, 0)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return err
	case !history.Begins(begin[:n]):
		return errors.New("it has something else than a record, and was left alone")
	case n > 0:
		_, _ = file.WriteString("\n") // the last line may have no end: its disk was full
	}
	return nil
}

// step is called of no recorder, too. A record with a gap would be of no use, so the first error ends it.
func (r *recorder) step(at time.Duration, e core.Event, actions []core.Action) {
	if r == nil || r.failed {
		return
	}
	if err := r.history.Step(at, e, actions); err != nil {
		r.failed = true
		r.log.Error("record is not continued", keyPath, r.file.Name(), keyError, err)
	}
}

func (r *recorder) close() {
	if r == nil {
		return
	}
	if err := r.file.Close(); err != nil && !r.failed {
		r.log.Error("record could not be closed", keyPath, r.file.Name(), keyError, err)
	}
}
