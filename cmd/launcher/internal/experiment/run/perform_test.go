//go:build linux

package run

import (
	"context"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"launcher/cmd/launcher/internal/experiment"
)

// instruments measure a run by other means than the experiment's at the moment when the
// load is over and nobody does anything.
type instruments struct {
	t    *testing.T
	sums map[string]uint64 // of the fields of smaps, in bytes
	free uint64            // total less free, as free(1) tells it
	runs []experiment.Run
}

func (o *instruments) Planned(int) {}

func (o *instruments) Working(_ experiment.Method, _ int, what string) {
	if what != "settling" {
		return
	}
	o.sums = map[string]uint64{}
	for _, pid := range o.servers() {
		// A process that has just ended has no smaps, and adds nothing.
		out, _ := exec.Command("awk", `/^[A-Z][A-Za-z_]*: +[0-9]+ kB$/ { sum[$1] += $2 } END { for (f in sum) print f, sum[f] }`,
			"/proc/"+pid+"/smaps").Output()
		for line := range strings.Lines(string(out)) {
			name, kB, _ := strings.Cut(strings.TrimSpace(line), ": ")
			n, _ := strconv.ParseUint(kB, 10, 64)
			o.sums[name] += n << 10
		}
	}
	out, err := exec.Command("free", "-b").Output()
	fields := strings.Fields(string(out))
	if err != nil || len(fields) < 10 {
		o.t.Errorf("free: %v %q", err, out)
		return
	}
	total, _ := strconv.ParseUint(fields[7], 10, 64) // after six titles and "Mem:"
	free, _ := strconv.ParseUint(fields[9], 10, 64)
	o.free = total - free
}

// servers are the descendants of the test, as ps knows them, without lighttpd and without the
// supervisor, which gives back pages and takes them again as it pleases.
func (o *instruments) servers() (pids []string) {
	out, err := exec.Command("ps", "-eo", "pid=,ppid=,comm=").Output()
	if err != nil {
		o.t.Error(err)
	}
	members := map[string]bool{strconv.Itoa(os.Getpid()): true}
	for grown := true; grown; {
		grown = false
		for line := range strings.Lines(string(out)) {
			f := strings.Fields(line)
			if len(f) > 2 && members[f[1]] && !members[f[0]] && f[2] != "lighttpd" && f[2] != "ps" {
				members[f[0]], grown = true, true
				if f[2] != "launcher" {
					pids = append(pids, f[0])
				}
			}
		}
	}
	return pids
}

func (o *instruments) Requested(int, int, int) {}
func (o *instruments) Finished(run experiment.Run, _ int, _ time.Duration) {
	o.runs = append(o.runs, run)
}
func (o *instruments) LeftOut(s experiment.Skipped) { o.t.Errorf("left out: %+v", s) }
func (o *instruments) Warned(text string) {
	if !strings.HasPrefix(text, "LAUNCHER_") { // of which the test itself sets some
		o.t.Errorf("warned: %s", text)
	}
}

func TestSumsAreThoseOfOthers(t *testing.T) {
	// A reading a moment later finds the same processes.
	t.Setenv("LAUNCHER_REFORK_AFTER", "never")
	t.Setenv("LAUNCHER_MAX_PRIVATE", "off")
	t.Setenv("LAUNCHER_SPARE", "0")
	t.Setenv("LAUNCHER_WARMUP", "/")       // the first workers stay
	scratch, err := os.MkdirTemp("", "lx") // short, for the sockets in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(scratch) })
	binary := filepath.Join(scratch, "built")
	if out, err := exec.Command("go", "build", "-o", binary, "launcher/cmd/launcher").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	root := filepath.Join(scratch, "hello")
	if err := os.CopyFS(root, os.DirFS("../../../../../testdata/apps/hello")); err != nil {
		t.Fatal(err)
	}
	other := &instruments{t: t}
	for _, method := range []experiment.Method{experiment.Smart, experiment.Direct} {
		kept := 0
		_, err := Perform(context.Background(), experiment.Config{
			Methods: []experiment.Method{method}, Processes: []int{2},
			App:      experiment.App{Name: "hello", Root: root, Entry: "config.ru", Environment: "production", Ruby: "ruby"},
			Launcher: binary, Scratch: scratch, Paths: []string{"/"}, Requests: 40, Connections: 2,
			BootTimeout: time.Minute, RequestTimeout: time.Minute,
			Keep: func(*experiment.Results) error { kept++; return nil }, Observer: other,
		})
		if err != nil {
			t.Fatal(err)
		}
		if kept == 0 || len(other.runs) != 1 {
			t.Fatalf("kept %d times, %d runs", kept, len(other.runs))
		}
		var last experiment.Sample
		for _, p := range other.runs[0].Last.Each {
			if !strings.HasPrefix(p.Name, "launcher -") {
				last.Add(p)
			}
		}
		last.FreeUsed = other.runs[0].Last.FreeUsed
		other.runs = nil
		// Whether a clean page of a file is shared depends on what else on the machine runs Ruby just then.
		clean := other.sums["Private_Clean"] + other.sums["Shared_Clean"]
		compare(t, "PSS", last.PSS, other.sums["Pss"], clean)
		compare(t, "RSS", last.RSS, other.sums["Rss"], 0)
		compare(t, "private", last.Private, other.sums["Private_Clean"]+other.sums["Private_Dirty"], clean)
		compare(t, "used of free", last.FreeUsed, other.free, 500<<20) // others use memory meanwhile
	}
}

// compare allows for the second between the two readings, and for what others change.
func compare(t *testing.T, what string, ours, theirs, slack uint64) {
	t.Helper()
	apart := math.Abs(float64(ours) - float64(theirs))
	t.Logf("%s: %d kB, by other means %d kB, at most %d kB of it depend on others", what, ours>>10, theirs>>10, slack>>10)
	if apart > 0.05*float64(theirs)+float64(slack) {
		t.Errorf("%s is %d, by other means %d", what, ours, theirs)
	}
}
