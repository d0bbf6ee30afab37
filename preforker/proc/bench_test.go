//go:build linux

package proc

import (
	"os"
	"testing"
)

// benchRuby grows to about 60 MB of small strings.
func benchRuby(b *testing.B) int {
	ruby := startRuby(b, `
		text = Array.new(330_000) { |i| "line #{i} of a text that needs memory of its own, on the heap of malloc" }
		puts
		$stdin.read
		text.clear`)
	ruby.expect("")
	return ruby.pid()
}

func benchmark(b *testing.B, read func() error) {
	b.ReportAllocs()
	for b.Loop() {
		if err := read(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOf(b *testing.B) {
	pid := benchRuby(b)
	var usage Usage
	benchmark(b, func() (err error) { usage, err = Of(pid); return err })
	b.ReportMetric(float64(usage.RSS)/mB, "MB")
}

func BenchmarkProcessOf(b *testing.B) {
	pid := benchRuby(b)
	benchmark(b, func() error { _, err := ProcessOf(pid); return err })
}

func BenchmarkProcesses(b *testing.B) {
	var table Table
	benchmark(b, func() (err error) { table, err = Processes(); return err })
	b.ReportMetric(float64(len(table.processes)), "processes")
}

func BenchmarkSplitPrivate(b *testing.B) {
	if os.Getuid() != 0 {
		b.Skip("frames are for root")
	}
	pid := benchRuby(b)
	benchmark(b, func() error { _, err := SplitPrivate(pid, pid); return err })
}

func BenchmarkMachine(b *testing.B) {
	benchmark(b, func() error { _, err := Machine(); return err })
}
