//go:build linux

package cli

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestPidFile(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	path := filepath.Join(t.TempDir(), "shop.pid")
	file := pidFile(path)
	for _, before := range []string{"", "1\n", "no number, and longer than a pid file is, by whoever has written it here, for whatever reason"} {
		if before != "" {
			if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		file.write(logger)
		if text, err := os.ReadFile(path); err != nil || string(text) != strconv.Itoa(os.Getpid())+"\n" {
			t.Errorf("%q, %v", text, err)
		}
		file.remove(logger)
		if _, err := os.Stat(path); err == nil {
			t.Error("the file is left behind")
		}
	}
	file.remove(logger) // it is gone
	if err := os.WriteFile(path, []byte("1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file.remove(logger)
	if _, err := os.Stat(path); err != nil {
		t.Errorf("another's file: %v", err)
	}
	if log.Len() > 0 {
		t.Errorf("the log: %s", &log)
	}
	pidFile("").write(logger)
	pidFile("").remove(logger)
	pidFile(filepath.Join(path, "below a file")).write(logger)
	if !strings.Contains(log.String(), "level=ERROR msg=\"the pid file could not be written\"") || !strings.Contains(log.String(), "name a file with --pid-file") {
		t.Errorf("the log: %s", &log)
	}
}
