//go:build linux

package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode"
)

// hostile is what a client or an application may have put into a text: C0, C1, a turn of direction, a private plane.
const hostile = "a\x1b[31m\x07\u009b2J\u202eb\U000e0041c\nd\u00a0é"

func TestLogHasNoControlCharacters(t *testing.T) {
	t.Parallel()
	for _, format := range []string{formatText, formatJSON} {
		var out bytes.Buffer
		logger, err := newLogger(&out, format, "info")
		if err != nil {
			t.Fatal(err)
		}
		logger.Info(hostile, "request", hostile, "error", errors.New(hostile), hostile, 1)
		line := out.String()
		if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") {
			t.Errorf("%s: not one line: %q", format, line)
		}
		for _, r := range strings.TrimSuffix(line, "\n") {
			if !unicode.IsGraphic(r) {
				t.Errorf("%s: %q in %q", format, r, line)
			}
		}
		if format == formatJSON {
			var record map[string]any
			if err := json.Unmarshal(out.Bytes(), &record); err != nil || record["request"] != hostile || record["error"] != hostile {
				t.Errorf("%v, %q", err, record)
			}
		}
	}
}

func TestDurationsInJSONAreSeconds(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger, err := newLogger(&out, formatJSON, "info")
	if err != nil {
		t.Fatal(err)
	}
	logger.Info("waits", "wait", 1500*time.Millisecond)
	var record map[string]any
	if err := json.Unmarshal(out.Bytes(), &record); err != nil || record["wait_seconds"] != 1.5 || record["wait"] != nil {
		t.Errorf("%v, %q", err, out.String())
	}
}

func TestLogLinesAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 60_000)
	for _, format := range []string{formatText, formatJSON} {
		var out bytes.Buffer
		logger, err := newLogger(&out, format, "info")
		if err != nil {
			t.Fatal(err)
		}
		logger.Info("request", "path", long, "error", errors.New(long))
		if size := out.Len(); size > maxAttr+maxError+500 {
			t.Errorf("%s: a line of %d bytes", format, size)
		}
		if strings.Count(out.String(), "(cut: 120000 bytes)") != 2 {
			t.Errorf("%s: it does not say that it was cut", format)
		}
	}
}

func TestWantedFormat(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		words, variable, want string
	}{
		{"4", "", ""}, {"4 --log-format json", "", "json"}, {"--log-format=json 4", "", "json"}, {"nonsense", "json", "json"},
		{"--log-format text", "json", "text"}, {"-- --log-format json", "", ""}, {"log-format json", "", ""}, {"--log-format", "", ""},
	} {
		if got := (&commandLine{}).wantedFormat(strings.Fields(test.words), []string{"LAUNCHER_LOG_FORMAT=" + test.variable}); got != test.want {
			t.Errorf("%+v: %q", test, got)
		}
	}
}

func TestPlain(t *testing.T) {
	t.Parallel()
	if got, want := plain("\x1b[1;32mgreen\x1b[0m\x1b[2J\r"), `green\u001b[2J`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := visible("GET /\u009b\u202e"), "GET /��"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
