package ruby

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestCrashReport is of what Ruby itself prints.
func TestCrashReport(t *testing.T) {
	t.Parallel()
	const program = `
def inner
  Process.kill(:SEGV, $$)
end

def outer(depth)
  depth.zero? ? inner : outer(depth - 1)
end

outer(9)
sleep
`
	command := exec.Command("ruby", "-e", program)
	command.Dir = t.TempDir()
	printed, _ := command.CombinedOutput() // it ends by a signal
	var report crashReport
	lines := strings.Split(strings.TrimSuffix(string(printed), "\n"), "\n")
	for _, line := range lines {
		report.take(line)
	}
	got := report.lines(lines[len(lines)-linesKept:])
	if len(got) != 1+crashFrames || !strings.Contains(got[0], "[BUG] Segmentation fault") || !strings.Contains(got[1], "kill") || !strings.Contains(got[2], "inner") {
		t.Errorf("%q of\n%s", got, printed)
	}
}

func TestCrashReportOfLines(t *testing.T) {
	t.Parallel()
	var last []string
	for n := range linesKept {
		last = append(last, fmt.Sprint(n))
	}
	for name, test := range map[string]struct{ printed, want []string }{
		"none":         {[]string{"hello", "-- Ruby level backtrace information", "a.rb:1"}, last},
		"no backtrace": {[]string{"a.rb:1: [BUG] x"}, append([]string{"a.rb:1: [BUG] x", "…"}, last[2:]...)},
		"with a backtrace": {[]string{"[BUG] 1", "[BUG] 2", "-- Ruby level backtrace information --", "a", "", "b", "[BUG] 3", "-- Ruby level backtrace information --", "c"},
			[]string{"[BUG] 2", "a"}},
	} {
		var report crashReport
		for _, line := range test.printed {
			report.take(line)
		}
		if got := report.lines(last); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
