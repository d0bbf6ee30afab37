//go:build linux

package proc

import (
	"slices"
	"testing"
)

func TestLimitFiles(t *testing.T) {
	for _, test := range []struct {
		text string
		want []string
	}{
		{"0::/a.slice/b.scope\n", []string{"/sys/fs/cgroup/a.slice/b.scope/memory.max", "/sys/fs/cgroup/a.slice/b.scope/memory.high",
			"/sys/fs/cgroup/a.slice/memory.max", "/sys/fs/cgroup/a.slice/memory.high", "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.high"}},
		{"0::/\n", []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.high"}},
		{"5:cpu,cpuacct:/x\n4:memory:/y:z\n1:name=memory:/n\n", []string{"/sys/fs/cgroup/memory/y:z/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}},
		{"0::/../../outside\n", []string{"/sys/fs/cgroup/outside/memory.max", "/sys/fs/cgroup/outside/memory.high", "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.high"}},
		{"", nil},
		{"nonsense\n0::relative\n", nil},
	} {
		if got := parseCgroup([]byte(test.text), cgroupRoot).limitFiles(); !slices.Equal(got, test.want) {
			t.Errorf("%q: %q, want %q", test.text, got, test.want)
		}
	}
}

func TestParseLimit(t *testing.T) {
	for text, want := range map[string]uint64{"1048576\n": 1 << 20, "max\n": 1<<64 - 1, "": 1<<64 - 1, "9223372036854771712\n": 9223372036854771712} {
		if got := parseLimit([]byte(text)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func TestLimitIsTheMachinesAtMost(t *testing.T) {
	machine, err := Machine()
	if err != nil {
		t.Fatal(err)
	}
	if limit, err := Limit(); err != nil || limit == 0 || limit > machine.Total {
		t.Errorf("%d of %d, %v", limit, machine.Total, err)
	}
}

func FuzzLimitFiles(f *testing.F) {
	f.Add([]byte("0::/a\n4:memory:/b\n"))
	f.Fuzz(func(_ *testing.T, text []byte) { parseCgroup(text, cgroupRoot).limitFiles() })
}
