//go:build linux

package cli

import (
	"bufio"
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"launcher/preforker"
)

// wrote returns what a log has of a line.
func wrote(t *testing.T, format string, line preforker.Line) string {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	c, err := newConsole(write, format, "error")
	if err != nil {
		t.Fatal(err)
	}
	c.Wrote(line)
	c.close()
	write.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(read); err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`(?m)^(time=|\{"time":")[^ "]*("?[, ])`).ReplaceAllString(text.String(), "")
}

// TestLinesOfWorkers have the slot and the pid, whatever the level of the log, and do nothing to a terminal.
func TestLinesOfWorkers(t *testing.T) {
	worker := preforker.Line{By: "worker", Slot: 3, Pid: 12}
	report := `{"time":"t","level":"ERROR","msg":"GET /","pid":99,"error":"x"}`
	for _, test := range []struct {
		format, text, want string
		by                 preforker.Line
	}{
		{formatText, "hello", "level=INFO msg=hello printed_by=worker slot=3 pid=12\n", worker},
		{formatText, "\x1b[31mred\x1b[0m \x1b]0;title\a \"q\"", `level=INFO msg="red \\u001b]0;title\\u0007 \"q\"" printed_by=worker slot=3 pid=12` + "\n", worker},
		{formatText, "a", "level=INFO msg=a printed_by=spare pid=12\n", preforker.Line{By: "spare", Slot: -1, Pid: 12}},
		{formatText, "a", "level=INFO msg=a printed_by=preloader preloader=1.2\n", preforker.Line{By: "preloader", Preloader: "1.2"}},
		{formatJSON, "hello", `"level":"INFO","msg":"hello","printed_by":"worker","slot":3,"pid":12}` + "\n", worker},
		{formatJSON, report, `"level":"ERROR","msg":"GET /","pid":99,"error":"x","printed_by":"worker","slot":3}` + "\n", worker},
		{formatJSON, `{"a":1}`, `"level":"INFO","msg":"{\"a\":1}","printed_by":"worker","slot":3,"pid":12}` + "\n", worker},
		{formatJSON, `{"time":"t","level":"X","msg":"y"`, `"level":"INFO","msg":"{\"time\":\"t\",\"level\":\"X\",\"msg\":\"y\"","printed_by":"worker","slot":3,"pid":12}` + "\n", worker},
	} {
		line := test.by
		line.Text = test.text
		if got := wrote(t, test.format, line); got != test.want {
			t.Errorf("%s %q:\n%s\nwant\n%s", test.format, test.text, got, test.want)
		}
	}
}

// TestOutputAtALogThatIsStuck: nobody reads the log. Whoever passes on what workers print goes on, since else they would stand still,
// there is room for the launcher's own lines, and a reader that comes back learns how much is missing.
func TestOutputAtALogThatIsStuck(t *testing.T) {
	t.Parallel()
	c, read, write := consoleAtPipe(t)
	const lines = 20_000 // more than the pipe and the queue take
	for i := range lines {
		c.Wrote(preforker.Line{Text: fmt.Sprintf("line %d of many", i), By: "worker", Slot: 1, Pid: 2})
	}
	c.log.Info("of the launcher's own")
	seen, missing, own := 0, 0, false
	dropped := regexp.MustCompile(`(\d+) lines? of this log (?:was|were) dropped`)
	scanner := bufio.NewScanner(read)
	for (seen+missing < lines || !own) && scanner.Scan() {
		if match := dropped.FindStringSubmatch(scanner.Text()); match != nil {
			n, _ := strconv.Atoi(match[1])
			missing += n
		} else if strings.Contains(scanner.Text(), "msg=\"line ") {
			seen++
		} else if strings.Contains(scanner.Text(), "of the launcher's own") {
			own = true
		}
	}
	if seen+missing != lines || missing == 0 || !own {
		t.Errorf("%d lines seen, %d dropped, of %d; the launcher's own: %v", seen, missing, lines, own)
	}
	if c.output.stuck.Load() {
		t.Error("it is stuck, though the log is read")
	}
	c.Wrote(preforker.Line{Text: "again", By: "worker"})
	for scanner.Scan() && !strings.Contains(scanner.Text(), "msg=again") {
	}
	c.close()
	write.Close()
}

// TestOutputAtASlowLog: a log that takes lines, however slowly, gets all.
func TestOutputAtASlowLog(t *testing.T) {
	t.Parallel()
	c, read, write := consoleAtPipe(t)
	const lines = 6000 // more than the pipe and the queue take at once
	go func() {
		for i := range lines {
			c.Wrote(preforker.Line{Text: fmt.Sprintf("line %d of many", i), By: "worker", Slot: 1, Pid: 2})
		}
		c.close()
		write.Close()
	}()
	scanner := bufio.NewScanner(read)
	for i := range lines {
		if !scanner.Scan() || !strings.Contains(scanner.Text(), fmt.Sprintf("msg=\"line %d of", i)) {
			t.Fatalf("line %d is %q", i, scanner.Text())
		}
	}
}

// TestLevelOfWhatAWorkerPrints: an exception is an error of the log, whatever its format, and what an application prints is not.
func TestLevelOfWhatAWorkerPrints(t *testing.T) {
	for line, want := range map[string]slog.Level{
		"slow query: 812 ms":                      slog.LevelInfo,
		"RuntimeError: boom":                      slog.LevelInfo,
		"\tapp.rb:3:in `call'":                    slog.LevelInfo,
		"launcher: GET /boom: RuntimeError: boom": slog.LevelError,
		"launcher: GET /a: b: ActiveRecord::ConnectionNotEstablished: x":   slog.LevelError,
		"launcher: GET /: Shop::Empty":                                     slog.LevelError,
		"launcher: hint: run bundle install":                               slog.LevelError,
		"launcher: closed a FastCGI connection: peer sent nothing more":    slog.LevelWarn,
		"launcher: refused a FastCGI request with 400: CONTENT_LENGTH: -1": slog.LevelWarn,
	} {
		if got := levelOf(line); got != want {
			t.Errorf("%s: %v", line, got)
		}
	}
}
