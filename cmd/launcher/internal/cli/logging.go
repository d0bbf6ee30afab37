//go:build linux

package cli

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"launcher/preforker/printable"
)

// Formats of the log.
const (
	formatText = "text"
	formatJSON = "json"
)

// Keys of the log, as the supervisor and the front have them.
const (
	keyAddress    = "address"
	keyDropped    = "dropped" // lines of this log
	keyError      = "error"
	keyGeneration = "gen"
	keyLost       = "lost" // lines of this log, for want of space
	keyLine       = "line" // that an application has printed
	keyRoot       = "root"
	keyTry        = "try" // what to do
	keyWorkers    = "workers"
	keyReason     = "reason"
	keySignal     = "signal"
	// What stands for the address of the workers, in JSON and in the last line of the table.
	keyInclude = "lighttpd_include"
	keyURL     = "url"
)

// newLogger returns a logger that writes a line for each record, without control characters and of bounded length.
func newLogger(w io.Writer, format, level string) (*slog.Logger, error) {
	var l slog.Level
	err := readers{
		func() error {
			if err := l.UnmarshalText([]byte(level)); err != nil {
				return usageErrorf("--log-level info", "read --%s: %q is none of debug, info, warn, error", optLogLevel, level)
			}
			return nil
		},
		func() error {
			if format != formatText && format != formatJSON {
				return usageErrorf("--log-format text", "read --%s: %q is neither text nor json", optLogFormat, format)
			}
			return nil
		},
	}.all()
	switch {
	case err != nil:
		return nil, err
	case format == formatJSON:
		return slog.New(slog.NewJSONHandler(escaper{w}, &slog.HandlerOptions{Level: l, ReplaceAttr: measured})), nil
	default: // which quotes what cannot be printed
		return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l, ReplaceAttr: bounded})), nil
	}
}

// wantedFormat returns the format of the log as far as it can be known where the command line, or the file, has a mistake.
func (l *commandLine) wantedFormat(words, variables []string) string {
	format, set := lookup(variables, env(optLogFormat)[0])
	if in, is := l.file.Find(optLogFormat); is && !set && len(in.Values) == 1 {
		format = in.Values[0].Text
	}
	for i, word := range words {
		option := splitOption(word)
		switch {
		case word == "--":
			return format
		case option.name != optLogFormat || option.text == option.name:
		case option.hasValue:
			format = option.value
		case i+1 < len(words):
			format = words[i+1]
		}
	}
	return format
}

// The longest values in bytes. A client chooses how long the path of its request is.
const (
	maxAttr  = 1 << 10
	maxError = 16 << 10 // an exception with its frames, or a line that an application has printed
)

// bounded cuts a long value, and says so in it.
func bounded(_ []string, a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindString:
		limit := maxAttr
		if a.Key == keyLine || a.Key == slog.MessageKey { // of applications
			limit = maxError
		}
		if text := a.Value.String(); len(text) > limit {
			a.Value = slog.StringValue(cut(text, limit))
		}
	case slog.KindAny:
		if err, ok := a.Value.Any().(error); ok && len(err.Error()) > maxError {
			a.Value = slog.StringValue(cut(err.Error(), maxError))
		}
	}
	return a
}

// measured bounds a value for programs: times are numbers of seconds, and their keys end in _seconds.
func measured(groups []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		return slog.Float64(a.Key+"_seconds", a.Value.Duration().Seconds())
	}
	return bounded(groups, a)
}

// cut returns the beginning of a long text, and its size.
func cut(text string, limit int) string {
	return fmt.Sprintf("%s… (cut: %d bytes)", printable.Cut(text, limit), len(text))
}

// escaper passes JSON on, with the characters escaped that do something to a terminal. The encoder lets C1
// controls and marks of a text's direction pass.
type escaper struct{ w io.Writer }

func (e escaper) Write(line []byte) (int, error) {
	if bytes.ContainsFunc(line, func(r rune) bool { return r != '\n' && printable.Hidden(r) }) {
		var out strings.Builder
		for _, r := range string(line) {
			switch {
			case r == '\n' || !printable.Hidden(r):
				out.WriteRune(r)
			case r > 0xffff:
				r -= 0x10000
				fmt.Fprintf(&out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
			default:
				fmt.Fprintf(&out, `\u%04x`, r)
			}
		}
		if _, err := io.WriteString(e.w, out.String()); err != nil {
			return 0, err
		}
		return len(line), nil
	}
	return e.w.Write(line)
}
