package report

import (
	"fmt"
	"math"
	"time"

	"launcher/cmd/launcher/internal/experiment"
)

const megabyte = 1 << 20

func clock() time.Time { return time.Date(2026, time.May, 4, 9, 30, 0, 0, time.UTC) }

// made is what the made-up methods take: launch and peak are offset and slope of MB over
// n, seconds those of the launch.
type made struct {
	method        experiment.Method
	launch, peak  [2]float64
	seconds       [2]float64
	throughput    float64
	copiedPercent int
}

func madeMethods() []made {
	return []made{
		{"direct", [2]float64{3, 55}, [2]float64{3.5, 63.6}, [2]float64{0.4, 1.31}, 243, 0},
		{"smart", [2]float64{58, 2.1}, [2]float64{64, 9.7}, [2]float64{1.6, 0.021}, 352, 30},
		{"passenger", [2]float64{103, 7.2}, [2]float64{110, 27.5}, [2]float64{2.1, 0.11}, 248, 55},
		{"unicorn", [2]float64{60, 5.8}, [2]float64{66, 35.4}, [2]float64{1.7, 0.045}, 236, 70},
		{"puma", [2]float64{62, 6.3}, [2]float64{70, 26.1}, [2]float64{1.8, 0.05}, 249, 60},
	}
}

// wobble is an error of measurement that is the same every time.
func wobble(n, place int) float64 { return 2.5 * math.Sin(float64(n*7+place*3)) }

// full has everything: five methods, six numbers, errors, a failed run, what was
// skipped, warnings, and an early end.
func full() *experiment.Results {
	results := minimal()
	results.Ended = clock().Add(41 * time.Minute)
	results.Incomplete = "stopped by Ctrl-C"
	results.Command = []string{"launcher", "experiment", "--processes", "1,2,4,6,8,10", "--path", "/posts?page=1&all=it's", "--output", "out"}
	results.Machine = experiment.Machine{System: "Debian GNU/Linux 12 (bookworm)", Kernel: "6.1.0-18-amd64",
		Processor: "Imaginary Processor 3000", CPUs: 2, Memory: 16000 * megabyte, Swap: 0, HugePages: "madvise"}
	results.Versions = []experiment.Version{{Name: "launcher", Version: "1.0"}, {Name: "ruby", Version: "3.1.2p20"},
		{Name: "rails", Version: "6.1.7"}, {Name: "lighttpd", Version: "1.4.69"}, {Name: "passenger", Version: "6.0.17"}}
	results.Load = experiment.Load{Paths: []string{"/posts?page=1&all=it's", "/posts/1"}, Requests: 2000, Connections: 10,
		Through: "lighttpd", Tool: "launcher"}
	results.Methods = []experiment.Method{"direct", "smart", "passenger", "unicorn", "puma", "pitchfork"}
	results.Processes = []int{1, 2, 4, 6, 8, 10}
	results.Runs = nil
	for place, method := range madeMethods() {
		for _, n := range results.Processes {
			if method.method == "passenger" && n == 1 {
				continue
			}
			results.Runs = append(results.Runs, madeRun(method, place, n))
		}
	}
	results.Skipped = []experiment.Skipped{
		{Method: "passenger", Processes: 1, Reason: "needs two processes at least"},
		{Method: "pitchfork", Reason: "not installed: no pitchfork in PATH"},
	}
	results.Warnings = []string{"the load of the machine was 3.2 when it began"}
	return results
}

func madeRun(method made, place, n int) experiment.Run {
	launched := method.launch[0] + method.launch[1]*float64(n) + wobble(n, place)/2
	peak := method.peak[0] + method.peak[1]*float64(n) + wobble(n, place)
	run := experiment.Run{Method: method.method, Processes: n, Started: clock().Add(time.Duration(n) * time.Minute),
		Command:       []string{string(method.method), "--workers", fmt.Sprint(n)},
		LaunchSeconds: method.seconds[0] + method.seconds[1]*float64(n) + wobble(n, place)/100,
		Traffic: experiment.Traffic{Requests: 2000, Seconds: 2000 / method.throughput, Throughput: method.throughput,
			MedianMs: 1000 / method.throughput * 9, P99Ms: 1000 / method.throughput * 31, Bytes: 52_000_000}}
	if method.method == "puma" && n == 8 {
		run.Error = "puma ended with status 1 before it answered: Address already in use"
		run.Samples = []experiment.Sample{madeSample(0, experiment.PhaseBefore, 0, n)}
		return run
	}
	if method.method == "unicorn" && n == 10 {
		run.Traffic.Requests, run.Traffic.Errors = 1983, 17
		run.Traffic.Failures = []experiment.Failure{{Text: "GET /posts?page=1: status 502", Count: 12}, {Text: "GET /posts/1: connection reset", Count: 5}}
	}
	run.Before = madeSample(0, experiment.PhaseBefore, 0, n)
	run.Launched = madeSample(run.LaunchSeconds, experiment.PhaseLaunched, launched, n)
	run.Samples = []experiment.Sample{run.Before, run.Launched}
	const steps = 40
	for step := 1; step <= steps; step++ {
		share := (1 - math.Exp(-4*float64(step)/steps)) / (1 - math.Exp(-4))
		at := run.LaunchSeconds + run.Traffic.Seconds*float64(step)/steps
		run.Samples = append(run.Samples, madeSample(at, experiment.PhaseLoad, launched+(peak-launched)*share, n))
	}
	run.Traffic.Began = run.LaunchSeconds + 0.25
	for second := 0; float64(second+2) <= run.Traffic.Seconds; second++ {
		warm := min(1, 0.4+0.15*float64(second))
		run.Traffic.Windows = append(run.Traffic.Windows, experiment.Window{Seconds: float64(second),
			Requests: int(2 * method.throughput * warm), MedianMs: run.Traffic.MedianMs / warm, P99Ms: run.Traffic.P99Ms / warm})
	}
	run.Peak = run.Samples[len(run.Samples)-1]
	run.Last = madeSample(run.Peak.Seconds+2, experiment.PhaseAfter, peak*0.97, n)
	run.Samples = append(run.Samples, run.Last)
	left := run.Traffic.Requests
	for pid := range n {
		share := left / (n - pid)
		if pid < n-1 {
			share += n - pid
		}
		left -= share
		run.Traffic.Served = append(run.Traffic.Served, experiment.Served{Pid: 4000 + pid, Requests: share})
	}
	if method.copiedPercent > 0 {
		private := run.Last.Private
		run.Split = &experiment.Split{Workers: n, Copied: private * uint64(method.copiedPercent) / 100,
			New: private * uint64(100-method.copiedPercent) / 100}
	}
	return run
}

func madeSample(seconds float64, phase string, mb float64, n int) experiment.Sample {
	pages := func(mb float64) uint64 { return uint64(mb*megabyte) / 4096 * 4096 }
	sample := experiment.Sample{Seconds: math.Round(seconds*1000) / 1000, Phase: phase, Processes: n + 1,
		FreeUsed: pages(3000 + mb*1.25), FreeUsedLess: pages(1200 + mb*1.1)}
	if phase == experiment.PhaseBefore {
		sample.Processes = 0
	}
	sample.Usage = experiment.Usage{PSS: pages(mb), Private: pages(mb * 0.8), RSS: pages(mb + float64(n)*40)}
	return sample
}

// minimal is one method with one process, and little else known.
func minimal() *experiment.Results {
	results := &experiment.Results{Format: experiment.FormatVersion, Started: clock(), Ended: clock().Add(time.Minute),
		App:     experiment.App{Name: "blog", Environment: "production"},
		Methods: []experiment.Method{experiment.Smart}, Processes: []int{1}}
	results.Runs = []experiment.Run{madeRun(madeMethods()[1], 1, 1)}
	return results
}

// hostile has texts that no form may take for its own.
func hostile() *experiment.Results {
	const evil = "a<script>alert(1)</script>&amp;\"'|`*_[x](y)\n# \x00\x1b[31mred\x1b[0m\xff\u202e $x$ :#0072B2 ]]>"
	results := full()
	results.App = experiment.App{Name: evil, Environment: evil}
	results.Incomplete = evil
	results.Warnings = []string{evil}
	results.Command = []string{evil, "```\n````"}
	results.Skipped = append(results.Skipped, experiment.Skipped{Method: evil, Reason: evil})
	results.Versions = append(results.Versions, experiment.Version{Name: evil, Version: evil})
	results.Machine.Kernel, results.Load.Tool, results.Load.Paths = evil, evil, []string{evil}
	for i := range results.Runs {
		run := &results.Runs[i]
		if run.Method == "unicorn" {
			run.Method = evil
			run.Command = []string{evil}
			for j := range run.Traffic.Failures {
				run.Traffic.Failures[j].Text = evil
			}
		}
		if run.Error != "" {
			run.Error = evil
		}
	}
	results.Methods = append(results.Methods, evil)
	return results
}
