//go:build linux

package proc

import (
	"reflect"
	"testing"
)

func TestCPULimitFiles(t *testing.T) {
	for text, want := range map[string][][]string{
		"0::/a/b\n": {{"/sys/fs/cgroup/a/b/cpu.max"}, {"/sys/fs/cgroup/a/cpu.max"}, {"/sys/fs/cgroup/cpu.max"}},
		"5:cpu,cpuacct:/x\n4:memory:/y\n": {{"/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/x/cpu.cfs_period_us"},
			{"/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us"}},
		"nonsense\n0::relative\n": nil,
	} {
		if got := cpuLimitFiles([]byte(text)); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestParseCPULimit(t *testing.T) {
	for text, want := range map[string]float64{"150000 100000\n": 1.5, "max 100000\n": 0, "-1\n 100000\n ": 0, "50000\n 100000\n ": 0.5, "": 0,
		"1": 0, "1 0": 0, "a b": 0, "1 2 3": 0} {
		if got := parseCPULimit([]byte(text)); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
