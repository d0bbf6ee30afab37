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

// onlooker measures a run by other means than the experiment's at the moment when the
// load is over and nobody does anything.
type onlooker struct {
	t    *testing.T
	sums map[string]uint64 // of the fields of smaps, in bytes
	free uint64            // total less free, as free(1) tells it
	runs []experiment.Run
}

func (o *onlooker) Planned(int) {}

func (o *onlooker) Working(_ experiment.Method, _ int, what string) {
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
func (o *onlooker) servers() (pids []string) {
	out, err := exec.Command("ps", "-eo", "pid=,ppid=,comm=").Output()
	if err != nil {
		o.t.Error(err)
	}
	family := map[string]bool{strconv.Itoa(os.Getpid()): true}
	for grown := true; grown; {
		grown = false
		for line := range strings.Lines(string(out)) {
			f := strings.Fields(line)
			if len(f) > 2 && family[f[1]] && !family[f[0]] && f[2] != "lighttpd" && f[2] != "ps" {
				family[f[0]], grown = true, true
				if f[2] != "launcher" {
					pids = append(pids, f[0])
				}
			}
		}
	}
	return pids
}

func (o *onlooker) Asked(int, int, int)                                 {}
func (o *onlooker) Finished(run experiment.Run, _ int, _ time.Duration) { o.runs = append(o.runs, run) }
func (o *onlooker) LeftOut(s experiment.Skipped)                        { o.t.Errorf("left out: %+v", s) }
func (o *onlooker) Warned(text string) {
	if !strings.HasPrefix(text, "LAUNCHER_") { // of which the test itself sets some
		o.t.Errorf("warned: %s", text)
	}
}

func TestSumsAreThoseOfOthers(t *testing.T) {
	// Who looks a moment later is to find the same processes.
	t.Setenv("LAUNCHER_REFORK_AFTER", "never")
	t.Setenv("LAUNCHER_MAX_PRIVATE", "off")
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
	watch := &onlooker{t: t}
	for _, method := range []experiment.Method{experiment.Smart, experiment.Direct} {
		kept := 0
		_, err := Perform(context.Background(), experiment.Config{
			Methods: []experiment.Method{method}, Processes: []int{2},
			App:      experiment.App{Name: "hello", Root: root, Entry: "config.ru", Environment: "production", Ruby: "ruby"},
			Launcher: binary, Scratch: scratch, Paths: []string{"/"}, Requests: 40, Connections: 2,
			BootTimeout: time.Minute, RequestTimeout: time.Minute,
			Keep: func(*experiment.Results) error { kept++; return nil }, Observer: watch,
		})
		if err != nil {
			t.Fatal(err)
		}
		if kept == 0 || len(watch.runs) != 1 {
			t.Fatalf("kept %d times, %d runs", kept, len(watch.runs))
		}
		var last experiment.Sample
		for _, p := range watch.runs[0].Last.Each {
			if !strings.HasPrefix(p.Name, "launcher -") {
				last.Add(p)
			}
		}
		last.FreeUsed = watch.runs[0].Last.FreeUsed
		watch.runs = nil
		// Whose a clean page of a file is depends on who else on the machine runs Ruby just then.
		clean := watch.sums["Private_Clean"] + watch.sums["Shared_Clean"]
		compare(t, "PSS", last.PSS, watch.sums["Pss"], clean)
		compare(t, "RSS", last.RSS, watch.sums["Rss"], 0)
		compare(t, "private", last.Private, watch.sums["Private_Clean"]+watch.sums["Private_Dirty"], clean)
		compare(t, "used of free", last.FreeUsed, watch.free, 500<<20) // others use memory meanwhile
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
