//go:build linux

package main

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"launcher/cmd/launcher/internal/experiment"
)

// trial is an experiment in an application's folder.
type trial struct {
	*instance
	output string
	mark   string // that every process of it has in its environment
}

func startExperiment(t *testing.T, root string, args ...string) *trial {
	t.Helper()
	return startExperimentWith(t, root, nil, args...)
}

func startExperimentWith(t *testing.T, root string, env []string, args ...string) *trial {
	t.Helper()
	x := &trial{output: filepath.Join(root, "report"), mark: "EXPERIMENT_MARK=" + rand.Text()}
	x.instance = start(t, startOptions{root: root, defaults: true, env: append(env, x.mark, "TMPDIR="+shortTemp(t)),
		args: append([]string{"experiment", "--output", x.output}, args...)})
	return x
}

// shortTemp is a folder that must be empty again at the end.
func shortTemp(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "lt")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		left, _ := filepath.Glob(filepath.Join(dir, "*"))
		if len(left) > 0 {
			t.Errorf("temporary files are left: %v", left)
		}
		_ = os.RemoveAll(dir)
	})
	return dir
}

// marked are the pids of all processes of the experiment.
func (x *trial) marked() (pids []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(text), x.mark) {
			continue
		}
		pid, _ := strconv.Atoi(strings.Split(file, "/")[2])
		pids = append(pids, pid)
	}
	return pids
}

// nothingLeft waits until no process of the experiment is there.
func (x *trial) nothingLeft() {
	x.t.Helper()
	x.waitFor("every process of the experiment to leave", func() bool { return len(x.marked()) == 0 })
}

func (x *trial) results() *experiment.Results {
	x.t.Helper()
	text, err := os.ReadFile(filepath.Join(x.output, "results.json"))
	if err != nil {
		x.t.Fatal(err)
	}
	var results experiment.Results
	if err := json.Unmarshal(text, &results); err != nil {
		x.t.Fatal(err)
	}
	return &results
}

// child is the process that makes the experiment.
func (x *trial) child() int {
	x.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", x.cmd.Process.Pid, x.cmd.Process.Pid))
	if fields := strings.Fields(string(text)); err == nil && len(fields) > 0 {
		pid, _ := strconv.Atoi(fields[0])
		return pid
	}
	// The thread that started it may have been another one.
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", x.cmd.Process.Pid))
	for _, file := range files {
		text, _ := os.ReadFile(file)
		if fields := strings.Fields(string(text)); len(fields) > 0 {
			pid, _ := strconv.Atoi(fields[0])
			return pid
		}
	}
	x.t.Fatal("the experiment has no child")
	return 0
}

func TestExperimentMeasuresEveryMethod(t *testing.T) {
	t.Parallel()
	mixFile, err := filepath.Abs("../../testdata/experiments/blog.mix")
	if err != nil {
		t.Fatal(err)
	}
	x := startExperiment(t, copyApp(t, "blog"), "--processes", "2", "--mix", mixFile, "--requests", "60", "--connections", "4",
		"--before-run", "cp -n db/production.sqlite3 db/fresh.sqlite3; cp db/fresh.sqlite3 db/production.sqlite3 && echo $RAILS_ENV >>before-runs")
	for _, method := range []string{"direct", "smart", "passenger", "unicorn", "puma"} {
		x.waitLine(method + " +× 2 +launched in")
	}
	if status := x.wait(); status != exitOK {
		t.Fatalf("exit status %d", status)
	}
	x.nothingLeft()
	results := x.results()
	if results.Incomplete != "" || len(results.Runs) != 5 || len(results.Skipped) != 0 {
		t.Fatalf("incomplete %q, %d runs, skipped %v", results.Incomplete, len(results.Runs), results.Skipped)
	}
	if before, err := os.ReadFile(filepath.Join(x.root, "before-runs")); err != nil || strings.Count(string(before), "production\n") != 5 {
		t.Errorf("before the runs: %q, %v", before, err)
	}
	for _, run := range results.Runs {
		t.Run(string(run.Method), func(t *testing.T) { checkRun(t, run) })
	}
	for _, name := range []string{"report.html", "report.md", "graph.svg", "graph.png", "samples.csv", "results.json"} {
		if info, err := os.Stat(filepath.Join(x.output, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"ruby", "rails", "rack", "lighttpd", "passenger", "unicorn", "puma"} {
		if !strings.Contains(fmt.Sprint(results.Versions), "{"+name+" ") {
			t.Errorf("the version of %s is missing: %v", name, results.Versions)
		}
	}
	if out := x.stdout.String(); !strings.Contains(out, "smart") || !strings.Contains(out, "direct") {
		t.Errorf("standard output has no table:\n%s", out)
	}
}

func checkRun(t *testing.T, run experiment.Run) {
	t.Helper()
	if run.Error != "" || run.Traffic.Errors != 0 || run.Traffic.Requests != 60 {
		t.Fatalf("error %q, traffic %+v", run.Error, run.Traffic)
	}
	served := 0
	for _, s := range run.Traffic.Served {
		served += s.Requests
	}
	// Forks of a warm worker may have taken the places of both.
	if n := len(run.Traffic.Served); served != 60 || n < 2 || n > 2 && run.Method != "smart" {
		t.Errorf("%d requests were served by %v", served, run.Traffic.Served)
	}
	if run.Before.Processes != 0 || run.Before.PSS != 0 {
		t.Errorf("before the launch there was %+v", run.Before)
	}
	// A worker of this application is larger than this, however much of it is shared.
	for name, s := range map[string]experiment.Sample{"launched": run.Launched, "peak": run.Peak, "last": run.Last} {
		if s.PSS < 30<<20 || s.RSS < s.PSS || s.PSS < s.Private || s.Processes < 2 || len(s.Each) != s.Processes {
			t.Errorf("%s: %+v", name, s)
		}
	}
	if run.Peak.PSS < run.Last.PSS {
		t.Errorf("the peak, %d, is below the last value, %d", run.Peak.PSS, run.Last.PSS)
	}
	if text := strings.ReplaceAll(fmt.Sprint(run.Command, run.Last.Each), "$RUN/", ""); strings.Contains(text, os.TempDir()+"/") {
		t.Errorf("the report names the folders of the run: %s", text)
	}
	// Forks may take the places of those of ours that have served, of one more while its pages are read; the others stay as they are.
	minSplit := 2
	if run.Method == "smart" {
		there := func(served experiment.Served) bool {
			return slices.ContainsFunc(run.Last.Each, func(p experiment.Process) bool { return p.Pid == served.Pid })
		}
		minSplit = len(slices.DeleteFunc(slices.Clone(run.Traffic.Served), func(s experiment.Served) bool { return !there(s) })) - 1
	}
	split := cmp.Or(run.Split, &experiment.Split{}) // nil where there is none
	if os.Geteuid() == 0 && run.Method != "direct" && (split.Workers < minSplit || split.Workers > 2) {
		t.Errorf("the split of private pages is missing: %+v", run.Split)
	}
}

func TestExperimentStraight(t *testing.T) {
	t.Parallel()
	x := startExperiment(t, copyApp(t, "hello"), "--straight", "--processes", "1", "--requests", "20", "--method", "smart", "--method", "puma-fork-worker", "--rate", "200", "--repeat", "2")
	if status := x.wait(); status != exitOK {
		t.Fatalf("exit status %d", status)
	}
	results := x.results()
	if results.Load.Through != "straight" || len(results.Runs) != 4 || results.Runs[3].Round != 2 {
		t.Fatalf("through %q, %d runs", results.Load.Through, len(results.Runs))
	}
	for _, run := range results.Runs {
		if run.Traffic.Requests != 20 || run.Traffic.Errors != 0 {
			t.Errorf("%s: %+v", run.Method, run.Traffic)
		}
		// A supervisor or master and a worker, and here a preloader: it was not taken for up too early.
		if min := map[experiment.Method]int{"smart": 3, "puma-fork-worker": 2}[run.Method]; run.Launched.Processes < min {
			t.Errorf("%s: %d processes after the launch, want %d", run.Method, run.Launched.Processes, min)
		}
	}
}

func TestExperimentBadPath(t *testing.T) {
	t.Parallel()
	root := copyApp(t, "blog")
	x := startExperiment(t, root, "--method", "smart", "--method", "puma", "--processes", "1", "--requests", "20", "--path", "/nothing", "--path", "/posts", "--until-steady")
	if status := x.wait(); status != exitOK {
		t.Errorf("exit status %d", status)
	}
	results := x.results()
	if len(results.Warnings) != 1 || !strings.Contains(results.Warnings[0], "/nothing") || !strings.Contains(results.Warnings[0], "404") {
		t.Errorf("warnings %q", results.Warnings)
	}
	for _, run := range results.Runs {
		if run.Traffic.Requests != 20 || run.Traffic.Errors != 0 {
			t.Errorf("%s: %+v", run.Method, run.Traffic)
		}
	}
	x = startExperiment(t, root, "--method", "smart", "--processes", "1", "--path", "/nothing")
	if status := x.wait(); status != exitFailed || !strings.Contains(x.log(), "status 404") || !strings.Contains(x.log(), "Try: ") {
		t.Errorf("exit status %d, log:\n%s", status, x.log())
	}
	x.nothingLeft()
}

func TestExperimentAppThatDoesNotLoad(t *testing.T) {
	t.Parallel()
	x := startExperiment(t, copyApp(t, "broken_raise"), "--processes", "1,2")
	if status := x.wait(); status != exitFailed {
		t.Errorf("exit status %d", status)
	}
	for _, method := range []string{"direct", "smart", "passenger", "unicorn", "puma"} {
		if x.count(method+` +× 1 +failed: `) != 1 || x.count(method+` × 2`) != 0 {
			t.Errorf("%s: not one failure in the log", method)
		}
	}
	x.nothingLeft()
}

func TestExperimentMissingPeer(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	for _, name := range []string{"ruby", "lighttpd"} {
		if err := os.Symlink(tool(t, name), filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	x := startExperimentWith(t, copyApp(t, "hello"), []string{"PATH=" + bin}, "--method", "passenger", "--method", "smart", "--processes", "1", "--requests", "5")
	if status := x.wait(); status != exitOK {
		t.Errorf("exit status %d", status)
	}
	results := x.results()
	if len(results.Skipped) != 1 || results.Skipped[0].Method != "passenger" || !strings.Contains(results.Skipped[0].Reason, "not installed") {
		t.Errorf("skipped %+v", results.Skipped)
	}
	if len(results.Runs) != 1 || results.Runs[0].Traffic.Requests != 5 {
		t.Errorf("runs %+v", results.Runs)
	}
}

func TestExperimentUsage(t *testing.T) {
	t.Parallel()
	root := copyApp(t, "hello")
	for _, args := range [][]string{
		{"--method", "webrick"}, {"--processes", "two"}, {"--processes", "0"}, {"--processes", "1,,2"}, {"--requests", "0"},
		{"--connections", "-1"}, {"--rate", "-5"}, {"--path", "posts"}, {"--path", "http://example.org/"}, {"--boot-timeout", "0s"}, {"4"},
		{"--root", "nowhere"}, {"--ruby", "/nowhere/ruby"},
		{"--repeat", "0"}, {"--mix", "nowhere"}, {"--mix", "config.ru"}, {"--mix", "config.ru", "--path", "/"},
	} {
		in := start(t, startOptions{root: root, args: append([]string{"experiment"}, args...)})
		if status := in.wait(); status != exitUsage || !strings.Contains(in.log(), "Try: ") {
			t.Errorf("%q: exit status %d:\n%s", args, status, in.log())
		}
	}
	in := start(t, startOptions{root: root, args: []string{"experiment", "--output", filepath.Join(root, "config.ru", "report")}})
	if status := in.wait(); status != exitFailed || !strings.Contains(in.log(), "Try: name another one with --output") {
		t.Errorf("a folder that cannot be made: exit status %d:\n%s", status, in.log())
	}
	in = start(t, startOptions{root: root, args: []string{"experiment", "--root", t.TempDir()}})
	if status := in.wait(); status != exitFailed || !strings.Contains(in.log(), "find application") {
		t.Errorf("no application: exit status %d:\n%s", status, in.log())
	}
}

// What is set for the launcher holds for it in an experiment too, and the report says so.
func TestExperimentTellsWhatIsSet(t *testing.T) {
	t.Parallel()
	x := startExperimentWith(t, copyApp(t, "hello"), []string{"LAUNCHER_MAX_REQUESTS=900"}, "--method", "smart", "--processes", "1", "--requests", "5")
	if status := x.wait(); status != exitOK {
		t.Errorf("exit status %d", status)
	}
	if results := x.results(); len(results.Warnings) != 1 || !strings.HasPrefix(results.Warnings[0], "LAUNCHER_MAX_REQUESTS=900 ") {
		t.Errorf("warnings %q", results.Warnings)
	}
}
