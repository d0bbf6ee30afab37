//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// startBenchWire runs "make bench-wire" on this launcher for a moment, with temporary files in a folder that is returned.
func startBenchWire(t *testing.T, args ...string) (cmd *exec.Cmd, temporary string) {
	t.Helper()
	temporary, err := os.MkdirTemp("", "bw") // a short path: sockets are in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(temporary) })
	script := filepath.Join(sourceRoot(t), "scripts", "dev", "bench-wire")
	args = append([]string{script, "--kinds", "hello", "--seconds", "0.5", "--connections", "2", "--launcher", "this=" + os.Args[0]}, args...)
	cmd = exec.Command(tool(t, "ruby"), append(args, "--", "--refork-after", "never", "--spare", "0")...)
	cmd.Env = append(cleanEnv(), asLauncher+"=1", "TMPDIR="+temporary)
	return cmd, temporary
}

// startedWith returns the folders in /proc of the processes that were started with a folder of temporary files.
func startedWith(t *testing.T, temporary string) (processes []string) {
	t.Helper()
	environments, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range environments {
		if text, _ := os.ReadFile(path); slices.Contains(strings.Split(string(text), "\x00"), "TMPDIR="+temporary) {
			processes = append(processes, filepath.Dir(path))
		}
	}
	return processes
}

// nothingIn fails the test where a folder of temporary files is not empty, or a process was started with it.
func nothingIn(t *testing.T, temporary string) {
	t.Helper()
	left, err := os.ReadDir(temporary)
	if err != nil || len(left) > 0 {
		t.Errorf("left in the temporary folder: %v (%v)", left, err)
	}
	if processes := startedWith(t, temporary); len(processes) > 0 {
		t.Errorf("still there: %s", processes)
	}
}

func TestBenchWire(t *testing.T) {
	t.Parallel()
	output := t.TempDir()
	cmd, temporary := startBenchWire(t, "--rounds", "1", "--servers", "c,launcher,front", "--output", output)
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v:\n%s", err, said)
	}
	text, err := os.ReadFile(filepath.Join(output, "rounds.json"))
	if err != nil {
		t.Fatal(err)
	}
	var told struct {
		Rounds []struct {
			Server   string
			Requests int
			Rate     float64
			CPU      float64
		}
	}
	if err := json.Unmarshal(text, &told); err != nil {
		t.Fatal(err)
	}
	var servers []string
	for _, r := range told.Rounds {
		servers = append(servers, r.Server)
		if r.Requests == 0 || r.Rate <= 0 || r.CPU <= 0 {
			t.Errorf("no figures: %+v", r)
		}
	}
	if want := []string{"libfcgi in C", "launcher this", "launcher this --http alone"}; !slices.Equal(servers, want) {
		t.Errorf("measured were %q, not %q:\n%s", servers, want, said)
	}
	if report, err := os.ReadFile(filepath.Join(output, "report.md")); err != nil || !strings.Contains(string(said), string(report)) {
		t.Errorf("the report is not what was printed: %v\n%s", err, report)
	}
	nothingIn(t, temporary)
}

// stopBenchWire sends a signal in the middle of a measurement and returns, beside the folder of temporary files, how it ended.
func stopBenchWire(t *testing.T, sig syscall.Signal) (temporary string, ended error) {
	t.Helper()
	cmd, temporary := startBenchWire(t, "--rounds", "1000000", "--servers", "launcher")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	measured := false
	for !measured && lines.Scan() {
		measured = strings.HasPrefix(lines.Text(), "round 1,")
	}
	if !measured {
		t.Errorf("it ended before: %v", lines.Err())
	}
	if err := cmd.Process.Signal(sig); err != nil {
		t.Error(err)
	}
	for lines.Scan() { // until nobody has it open any more
	}
	return temporary, cmd.Wait()
}

func TestBenchWireStopped(t *testing.T) {
	t.Parallel()
	temporary, ended := stopBenchWire(t, syscall.SIGTERM)
	var status *exec.ExitError
	if !errors.As(ended, &status) || status.ExitCode() != 128+int(syscall.SIGTERM) {
		t.Errorf("it ended with %v", ended)
	}
	nothingIn(t, temporary)
}

// What was started ends with it, though nobody is left to end it.
func TestBenchWireKilled(t *testing.T) {
	t.Parallel()
	temporary, _ := stopBenchWire(t, syscall.SIGKILL)
	waitFor(t, "all processes to leave", func() bool { return len(startedWith(t, temporary)) == 0 })
}

// TestMeasurementsSayWhatTheyCannotRead: each program that measures ends with a sentence and not with a backtrace.
func TestMeasurementsSayWhatTheyCannotRead(t *testing.T) {
	t.Parallel()
	for _, test := range [][2]string{
		{"bench-wire --rounds x", "bench-wire: invalid argument: --rounds x\nusage: "},
		{"bench-wire --rounds 0", "bench-wire: --rounds is more than 0, not 0\n"},
		{"bench-wire --seconds -1", "bench-wire: --seconds is more than 0, not -1.0\n"},
		{"bench-wire --output /proc/none", "bench-wire: make folder /proc/none: No such file or directory"},
		{"compare-responders --none", "compare-responders: invalid option: --none\nUsage: "},
		{"kill-latency --none", "kill-latency: invalid option: --none\nusage: "},
		{"lose-host --none", "lose-host: invalid option: --none\nUsage: "},
		{"measure-optimizations --none", "measure-optimizations: invalid option: --none\n"},
		{"measure-pairs --none", "measure-pairs: invalid option: --none\n"},
		{"measure-start --none", "measure-start: invalid option: --none\n"},
		{"private-memory --none", "private-memory: invalid option: --none\n"},
		{"wire-profile --none", "wire-profile: invalid option: --none\n"},
	} {
		words := strings.Fields(test[0])
		program := filepath.Join(sourceRoot(t), "scripts", "dev", words[0])
		args := append([]string{program}, words[1:]...)
		if words[0] == "bench-wire" {
			args = append(args, "--launcher", os.Args[0]) // one that is there
		}
		said, err := exec.Command(tool(t, "ruby"), args...).CombinedOutput()
		if err == nil || !strings.HasPrefix(string(said), test[1]) || strings.Contains(string(said), "\tfrom ") {
			t.Errorf("%s: %v, %s", test[0], err, said)
		}
	}
}
