//go:build linux

package cli

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"launcher/preforker/linux"
)

// consoleAtPipe is a console that writes to a pipe, which is read where the test likes.
func consoleAtPipe(t *testing.T) (c *console, read, write *os.File) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = read.Close() })
	if c, err = newConsole(write, formatText, "info"); err != nil {
		t.Fatal(err)
	}
	return c, read, write
}

// TestConsoleNeverWaits: nobody reads the log. Whoever writes to it goes on, and a reader
// that comes back learns how much is missing.
func TestConsoleNeverWaits(t *testing.T) {
	t.Parallel()
	c, read, write := consoleAtPipe(t)
	const lines = 100_000 // more than the pipe and the queue take
	for i := range lines {
		fmt.Fprintf(c, "line %d of many\n", i)
	}
	seen, missing := 0, 0
	dropped := regexp.MustCompile(`(\d+) lines? of this log (?:was|were) dropped`)
	scanner := bufio.NewScanner(read)
	for seen+missing < lines && scanner.Scan() {
		if match := dropped.FindStringSubmatch(scanner.Text()); match != nil {
			n, _ := strconv.Atoi(match[1])
			missing += n
		} else if strings.HasPrefix(scanner.Text(), "line ") {
			seen++
		}
	}
	if seen+missing != lines || missing == 0 {
		t.Errorf("%d lines seen, %d dropped, of %d", seen, missing, lines)
	}
	c.close()
	write.Close()
}

// TestConsoleEndsWithoutAReader: the last lines are not waited for without end.
func TestConsoleEndsWithoutAReader(t *testing.T) {
	t.Parallel()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c, err := newConsole(write, formatText, "info")
	if err != nil {
		t.Fatal(err)
	}
	for range 10 * consoleQueue {
		fmt.Fprintf(c, "a line that fills the pipe and the queue behind it\n")
	}
	c.close()
	read.Close() // and the goroutine that still writes gets EPIPE
	<-c.done
	write.Close()
}

// TestConsoleOnAFullDisk: the lines that are lost are counted, and told once there is room again.
func TestConsoleOnAFullDisk(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	c, err := newConsole(full, formatText, "info")
	if err != nil {
		t.Fatal(err)
	}
	c.log.Info("lost")
	c.log.Info("lost")
	for len(c.lines) > 0 {
		runtime.Gosched()
	}
	file, err := appendTo(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := linux.Exchange(full, file); err != nil {
		t.Fatal(err)
	}
	c.log.Info("there is room")
	c.close()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// The second may have been taken from the queue and be written when there is room.
	if !strings.Contains(string(text), "msg=\"there is room\"\n") ||
		!regexp.MustCompile(`level=WARN msg="lines of this log could not be written" lost=[12] error="write /dev/full: no space left on device"\n`).Match(text) {
		t.Errorf("%s", text)
	}
}

// TestLogFileThatCannotBeOpenedAnew is written on.
func TestLogFileThatCannotBeOpenedAnew(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "folder")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	file, err := appendTo(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	log := &logFile{path: filepath.Join(dir, "log"), file: file}
	defer log.close()
	if err := os.Rename(dir, dir+".1"); err != nil {
		t.Fatal(err)
	}
	if err := log.reopen(); err == nil || !strings.Contains(err.Error(), "stays the file that is open") {
		t.Errorf("%v", err)
	}
	if _, err := log.file.WriteString("on\n"); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir+".1", "log")); string(text) != "on\n" {
		t.Errorf("%q, %v", text, err)
	}
}
