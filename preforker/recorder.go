package preforker

import (
	"log/slog"
	"os"
	"time"

	"launcher/preforker/core"
	"launcher/preforker/hint"
	"launcher/preforker/history"
)

// recorder appends what the core is told and decides to a file. The loop owns it.
type recorder struct {
	file    *os.File
	history *history.Writer
	log     *slog.Logger
	failed  bool // which was told
}

// newRecorder begins a history in the file that the configuration names.
func newRecorder(config Config, policy core.Policy, began time.Time) (*recorder, error) {
	file, err := os.OpenFile(config.Record, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, hint.Errorf("name a file that can be written with --record", "open record: %w", err)
	}
	if info, err := file.Stat(); err == nil && info.Size() > 0 {
		_, _ = file.WriteString("\n") // the last line may have no end: its disk was full
	}
	out, err := history.NewWriter(file, history.Header{Launcher: config.Version, Began: began, Slots: config.Workers, Policy: policy})
	if err != nil {
		_ = file.Close()
		return nil, hint.Errorf("name a file that can be written with --record", "begin record: %w", err)
	}
	return &recorder{file: file, history: out, log: config.Log}, nil
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
