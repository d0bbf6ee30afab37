package ruby

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"launcher/scripts"
)

func TestOutput(t *testing.T) {
	long := strings.Repeat("x", 3*lineMax)
	for name, test := range map[string]struct {
		text  string
		lines []string
	}{
		"nothing":       {"", nil},
		"lines":         {"one\n\ntwo\r\n", []string{"one", "", "two"}},
		"no end":        {"one\ntwo", []string{"one", "two"}},
		"a long one":    {"a\n" + long + "\nb\n", []string{"a", long[:lineMax] + lineDropped, "b"}},
		"one that fits": {long[:lineMax-1] + "\nb\n", []string{long[:lineMax-1], "b"}},
		"long, no end":  {long, []string{long[:lineMax] + lineDropped}},
	} {
		t.Run(name, func(t *testing.T) {
			read, write, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			var passed []string
			o := readOutput(read, func(line string) { passed = append(passed, line) })
			o.Admit()
			if _, err := write.WriteString(test.text); err != nil {
				t.Fatal(err)
			}
			_ = write.Close()
			if last := o.Lines(); !slices.Equal(last, test.lines) || !slices.Equal(passed, test.lines) {
				t.Errorf("kept %.100q, passed on %.100q, want %.100q", last, passed, test.lines)
			}
		})
	}
}

// TestOutputKeepsTheLast lines, though somebody holds the pipe open: a process that the application
// started and that outlives it.
func TestOutputKeepsTheLast(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	all := make(chan struct{})
	o := readOutput(read, func(line string) {
		if line == "line 49" {
			close(all)
		}
	})
	o.Admit()
	for n := range 50 {
		if _, err := fmt.Fprintf(write, "line %d\n", n); err != nil {
			t.Fatal(err)
		}
	}
	<-all
	var want []string
	for n := 50 - linesKept; n < 50; n++ {
		want = append(want, fmt.Sprintf("line %d", n))
	}
	if last := o.Lines(); !slices.Equal(last, want) {
		t.Errorf("%q, want %q", last, want)
	}
}

// TestOutputKeepsTheCrash: Ruby prints hundreds of lines after the one that says where it crashed.
func TestOutputKeepsTheCrash(t *testing.T) {
	read, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	o := readOutput(read, func(string) {})
	o.Admit()
	fmt.Fprintln(w, "before")
	fmt.Fprintln(w, "/srv/app/lib/a.rb:3: [BUG] Segmentation fault at 0x0000000000000010")
	for n := range 100 {
		fmt.Fprintf(w, "7fbbd33d4000-7fbbd33d6000 %d\n", n)
	}
	_ = w.Close()
	lines := o.Lines()
	if len(lines) != linesKept || !strings.Contains(lines[0], "a.rb:3: [BUG]") || lines[1] != "…" || !strings.HasSuffix(lines[len(lines)-1], " 99") {
		t.Errorf("%q", lines)
	}
}

// TestOutputIsHeldBack: nothing is passed on before it has shown to be a Ruby, and nothing is lost
// then.
func TestOutputIsHeldBack(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var passed []string
	o := readOutput(read, func(line string) { passed = append(passed, line) })
	var want []string
	for n := range 3 * linesKept {
		want = append(want, fmt.Sprintf("line %d", n))
	}
	if _, err := write.WriteString(strings.Join(want, "\n")); err != nil {
		t.Fatal(err)
	}
	_ = write.Close()
	<-o.done
	if len(passed) != 0 {
		t.Errorf("%q was passed on", passed)
	}
	o.Admit()
	if last := o.Lines(); !slices.Equal(last, want[2*linesKept:]) || !slices.Equal(passed, want) {
		t.Errorf("kept %q, passed on %q", last, passed)
	}
}

// TestOutputHeldBackIsBounded also where its lines are empty, as those of "yes ”" are.
func TestOutputHeldBackIsBounded(t *testing.T) {
	for name, line := range map[string]string{"empty": "", "short": "y", "long": strings.Repeat("y", lineMax)} {
		o, most := &Output{}, heldMax/(heldLine+len(line))
		for range most + 3 {
			o.take(line)
		}
		if len(o.held) != most {
			t.Errorf("%d %s lines are held, want %d", len(o.held), name, most)
		}
	}
}

// TestOutputOfWhatIsNoRuby is short, whatever it prints.
func TestOutputOfWhatIsNoRuby(t *testing.T) {
	program, err := scripts.Program(map[string]string{"root": "/x"})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"its program": {string(program), []string{"the program that it was given, and did not run"}},
		"a long line": {strings.Repeat("é", lineMax), []string{strings.Repeat("é", unknownLineMax/2) + lineDropped}},
	} {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		o := readOutput(read, func(line string) { t.Errorf("%s: %.100q was passed on", name, line) })
		if _, err := write.WriteString(test.text); err != nil {
			t.Fatal(err)
		}
		_ = write.Close()
		if lines := o.Lines(); !slices.Equal(lines, test.want) {
			t.Errorf("%s: %q, want %q", name, lines, test.want)
		}
	}
}

// TestOutputIsTakenSlowly: what a process has written before its end is read to the end, though the
// reader takes longer for a line than it waits for more.
func TestOutputIsTakenSlowly(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	ended := make(chan struct{})
	o := readOutput(read, func(line string) {
		if strings.HasPrefix(line, "line 0 ") {
			<-ended
			<-time.After(2 * straggle) // a slow machine
		}
	})
	o.Admit()
	var last string
	for n := range 3 * lineMax / 100 {
		last = fmt.Sprintf("line %d %s", n, strings.Repeat("x", 100))
		if _, err := fmt.Fprintln(write, last); err != nil {
			t.Fatal(err)
		}
	}
	go func() {
		for !o.ended.Load() {
			runtime.Gosched()
		}
		close(ended)
	}()
	if lines := o.Lines(); lines[len(lines)-1] != last {
		t.Errorf("it ended with %.20q, want %.20q", lines[len(lines)-1], last)
	}
}
