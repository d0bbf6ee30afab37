//go:build linux

package cli

import (
	"strings"
	"testing"
)

func TestChooseWorkers(t *testing.T) {
	const gb = 1 << 30
	for _, test := range []struct {
		machine
		want int
		why  string
	}{
		{machine{cpus: 2, memory: 8 * gb}, 5, "2 for each of 2 CPUs, and one"},
		{machine{cpus: 8, memory: 64 * gb}, 17, "2 for each of 8 CPUs"},
		{machine{cpus: 8, quota: 1.5, memory: 64 * gb}, 5, "2 CPUs, of a cgroup's limit of 1.5"},
		{machine{cpus: 1, quota: 4}, 3, "2 for each of 1 CPUs"},
		{machine{cpus: 8, quota: 0.1}, 3, "1 CPUs, of a cgroup's limit of 0.1"},
		{machine{cpus: 8, memory: gb}, 11, "as many of 64 MB as nine tenths of 1024 MB hold"},
		{machine{cpus: 2, memory: gb / 2}, 4, "beside a preloader of 192 MB, not 2 for each of 2 CPUs"},
		{machine{cpus: 2, memory: 64 << 20}, 1, "64 MB"},
		{machine{cpus: 4000, memory: 4000 * gb}, 1024, "4000 CPUs"},
	} {
		if got := chooseWorkers(test.machine); got.workers != test.want || !strings.Contains(got.why, test.why) {
			t.Errorf("%+v: %+v, want %d, %q", test.machine, got, test.want, test.why)
		}
	}
}
