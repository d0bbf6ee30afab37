//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// TestPackagesAllocateLittleBeforeMain: every command pays for that, and a supervisor keeps it. Above all
// regular expressions are compiled where they are used.
func TestPackagesAllocateLittleBeforeMain(t *testing.T) {
	t.Parallel()
	const most = 64 << 10 // the options and the templates of lighttpd's configuration need 46 and 36 kB
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "version")
	cmd.Env = append(cleanEnv(), asLauncher+"=1", "GODEBUG=inittrace=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := regexp.MustCompile(`(?m)^init (launcher/\S+) .* (\d+) bytes`).FindAllStringSubmatch(string(out), -1)
	if len(lines) < 3 {
		t.Fatalf("no packages of this module in\n%s", out)
	}
	for _, line := range lines {
		if line[1] == "launcher/cmd/launcher" {
			continue // these tests
		}
		if bytes, err := strconv.Atoi(line[2]); err != nil || bytes > most {
			t.Errorf("%s allocates %s bytes before main, at most %d are wanted", line[1], line[2], most)
		}
	}
}

// TestMetricsCostLittleBeforeMain: what writes them is a few tables, and not the registry of Prometheus' client, which
// makes 200 kB of things that nobody here asks for.
func TestMetricsCostLittleBeforeMain(t *testing.T) {
	t.Parallel()
	const most = 64 << 10 // the tables of protobuf need 28 kB
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "version")
	cmd.Env = append(cleanEnv(), asLauncher+"=1", "GODEBUG=inittrace=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := regexp.MustCompile(`(?m)^init (?:github\.com/prometheus|google\.golang\.org/protobuf)/\S+ .* (\d+) bytes`).FindAllStringSubmatch(string(out), -1)
	sum := 0
	for _, line := range lines {
		bytes, err := strconv.Atoi(line[1])
		if err != nil {
			t.Fatal(err)
		}
		sum += bytes
	}
	if len(lines) < 3 || sum > most {
		t.Errorf("%d packages allocate %d bytes before main, at most %d are wanted:\n%s", len(lines), sum, most, out)
	}
}

// TestSupervisorKeepsNoFonts: the package that draws the experiment's graphs reads fonts of 4.6 MB when any
// launcher starts. They are in the one mapping of the file that may be written.
func TestSupervisorKeepsNoFonts(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: copyApp(t, "hello"), args: []string{"1"}}).serving()
	proc := filepath.Join("/proc", strconv.Itoa(in.cmd.Process.Pid))
	exe, err := os.Readlink(filepath.Join(proc, "exe"))
	if err != nil {
		t.Fatal(err)
	}
	smaps, err := os.ReadFile(filepath.Join(proc, "smaps"))
	if err != nil {
		t.Fatal(err)
	}
	header := regexp.MustCompile(`(?m)^[0-9a-f]+-[0-9a-f]+ rw-p .* ` + regexp.QuoteMeta(exe) + `$`).FindIndex(smaps)
	if header == nil {
		t.Fatalf("no mapping of %s that may be written in\n%s", exe, smaps)
	}
	kB := func(key string) int {
		match := regexp.MustCompile(`(?m)^` + key + `:\s+(\d+) kB$`).FindStringSubmatch(string(smaps[header[1]:]))
		if match == nil {
			t.Fatalf("no %s in\n%s", key, smaps)
		}
		n, _ := strconv.Atoi(match[1])
		return n
	}
	size, resident := kB("Size"), kB("Rss")
	t.Logf("%d of %d kB, of %s", resident, size, exe)
	if size < 4000 {
		t.Errorf("the mapping of %d kB cannot have the fonts: this test looks in the wrong place, or is needless", size)
	}
	if resident > size-4000 {
		t.Errorf("%d of %d kB are in memory: the fonts are", resident, size)
	}
}
