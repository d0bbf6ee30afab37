//go:build linux

package cli

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestConsoleNeverWaits: nobody reads the log. Whoever writes to it goes on, and a reader
// that comes back learns how much is missing.
func TestConsoleNeverWaits(t *testing.T) {
	t.Parallel()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	c, err := newConsole(write, formatText, "info")
	if err != nil {
		t.Fatal(err)
	}
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
