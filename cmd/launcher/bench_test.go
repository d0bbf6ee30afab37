//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"launcher/fcgi"
	"launcher/preforker/control"
)

// The benchmarks measure the launcher as it is shipped: "make bench" builds it and names
// it here. Without it the test binary plays the launcher, which is larger and slower.
const benchBinary = "LAUNCHER_TEST_BINARY"

// benchRoot names another Rails application for BenchmarkStart, such as Redmine's.
const benchRoot = "LAUNCHER_BENCH_ROOT"

// BenchmarkStart is the time from the command to ten ready workers, beside one
// "rails runner 1", turn about. One iteration is one pair.
func BenchmarkStart(b *testing.B) {
	root := os.Getenv(benchRoot)
	if root == "" {
		root = copyApp(b, "blog")
	}
	sockets, err := os.MkdirTemp("", "la")
	if err != nil {
		b.Fatal(err)
	}
	defer os.RemoveAll(sockets)
	var launches, runners []time.Duration
	for b.Loop() {
		began := time.Now()
		in := start(b, startOptions{root: root, args: []string{"10", "--socket-dir", sockets}}).serving()
		launches = append(launches, time.Since(began))
		in.signal(syscall.SIGTERM)
		in.wait()

		began = time.Now()
		runner := exec.Command("ruby", "-e", `APP_PATH = File.expand_path("config/application")
			require "./config/boot"; require "rails/command"; Rails::Command.invoke "runner", ["1"]`)
		runner.Dir, runner.Env = root, append(cleanEnv(), "RAILS_ENV=production")
		if out, err := runner.CombinedOutput(); err != nil {
			b.Fatalf("rails runner: %v\n%s", err, out)
		}
		runners = append(runners, time.Since(began))
	}
	reportTimes(b, "launcher10", launches)
	reportTimes(b, "runner1", runners)
}

// BenchmarkReplace is the time from a worker's SIGKILL to its successor's first answer
// on the same socket, asked from the moment of the kill on.
func BenchmarkReplace(b *testing.B) {
	in := start(b, startOptions{root: copyApp(b, "blog"), args: []string{"2"}}).serving()
	mustAsk(b, in.socket(0))
	var times []time.Duration
	for b.Loop() {
		old := in.worker(0)
		began := time.Now()
		if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
			b.Fatal(err)
		}
		for {
			// The first request may still reach the dying worker's hands.
			if pid, err := askPid(in.socket(0)); err == nil && pid != old {
				break
			}
		}
		times = append(times, time.Since(began))
		// One more, so that the first is counted as served: a worker that dies
		// before it has served anything may have to wait for its successor.
		mustAsk(b, in.socket(0))
	}
	reportTimes(b, "replace", times)
}

// BenchmarkMemory is the resident memory of the Go process with ten workers, after a
// thousand requests.
func BenchmarkMemory(b *testing.B) {
	in := start(b, startOptions{root: copyApp(b, "blog"), args: []string{"10"}}).serving()
	for b.Loop() {
		for i := range 1000 {
			mustAsk(b, in.socket(i%10))
		}
	}
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(in.cmd.Process.Pid), "status"))
	if err != nil {
		b.Fatal(err)
	}
	for name, unit := range map[string]string{"VmRSS": "rss-MB", "RssAnon": "anonymous-MB"} {
		match := regexp.MustCompile(name + `:\s+(\d+) kB`).FindSubmatch(status)
		kilobytes, _ := strconv.ParseFloat(string(match[1]), 64)
		b.ReportMetric(kilobytes/1024, unit)
	}
}

// BenchmarkManyWorkers is what five hundred workers cost that nobody asks: the time until all are ready, that of a status, memory, and the
// CPU time in half a minute.
func BenchmarkManyWorkers(b *testing.B) {
	const workers, idle = 500, 30 * time.Second
	for b.Loop() {
		began := time.Now()
		in := start(b, startOptions{root: copyApp(b, "hello"), args: []string{strconv.Itoa(workers), "--seed-time", "0", "--refork-after", "never"}}).serving()
		b.ReportMetric(time.Since(began).Seconds(), "start-s")
		in.statusWhen("every worker", func(s control.Status) bool { return len(s.Slots) == workers && allMeasured(s) })
		var times []time.Duration
		for range 9 {
			began = time.Now()
			in.status()
			times = append(times, time.Since(began))
		}
		reportTimes(b, "status", times)
		status := in.status()
		b.ReportMetric(float64(status.Memory.Launcher.PSS)/1e6, "launcher-MB")
		b.ReportMetric(float64(status.Memory.PSS)/1e6, "all-MB")
		var pids []int
		for _, slot := range status.Slots {
			pids = append(pids, slot.Workers[0].Pid)
		}
		launcher, all := cpuTime(b, in.cmd.Process.Pid), cpuTime(b, pids...)
		time.Sleep(idle)
		b.ReportMetric(100*(cpuTime(b, in.cmd.Process.Pid)-launcher).Seconds()/idle.Seconds(), "launcher-CPU-%")
		b.ReportMetric(100*(cpuTime(b, pids...)-all).Seconds()/idle.Seconds(), "workers-CPU-%")
		in.signal(syscall.SIGTERM)
		in.wait()
	}
}

// cpuTime is what these processes have had so far, to a hundredth of a second.
func cpuTime(b *testing.B, pids ...int) (sum time.Duration) {
	b.Helper()
	for _, pid := range pids {
		text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
		if err != nil {
			b.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		for _, field := range strings.Fields(rest)[11:13] { // utime and stime, as in proc(5)
			ticks, err := strconv.Atoi(field)
			if err != nil {
				b.Fatal(err)
			}
			sum += time.Duration(ticks) * 10 * time.Millisecond
		}
	}
	return sum
}

func mustAsk(b *testing.B, socket string) {
	b.Helper()
	if _, err := askPid(socket); err != nil {
		b.Fatal(err)
	}
}

// askPid asks the worker of a socket for its pid.
func askPid(socket string) (int, error) {
	client := fcgi.Client{Network: "unix", Address: socket}
	resp, err := client.Do(context.Background(), &fcgi.Request{Params: fcgi.Params{
		{Name: "REQUEST_METHOD", Value: "GET"}, {Name: "REQUEST_URI", Value: "/pid"},
		{Name: "SERVER_NAME", Value: "localhost"}, {Name: "SERVER_PORT", Value: "80"},
		{Name: "SERVER_PROTOCOL", Value: "HTTP/1.1"}}})
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(body), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil || resp.Status != 200 {
		return 0, fmt.Errorf("answer %d %q", resp.Status, body)
	}
	return pid, nil
}

// report gives the median and the extremes, in milliseconds.
func reportTimes(b *testing.B, name string, times []time.Duration) {
	slices.Sort(times)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(ms(times[len(times)/2]), name+"-median-ms")
	b.ReportMetric(ms(times[0]), name+"-min-ms")
	b.ReportMetric(ms(times[len(times)-1]), name+"-max-ms")
}
