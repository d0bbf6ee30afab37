//go:build linux

package proc

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestParseMeminfo(t *testing.T) {
	// What free 3.2.7 prints of the same figures, in kB.
	type free struct{ used, usedLess, swapUsed uint64 }
	server := System{Total: 8167848 * kB, Free: 1426784 * kB, Available: 5339400 * kB, Buffers: 312416 * kB,
		Cached: 3564280 * kB, SReclaimable: 346112 * kB, Shmem: 139264 * kB, SwapTotal: 2097148 * kB, SwapFree: 1990652 * kB}
	serverFree := free{used: 6741064, usedLess: 2864368, swapUsed: 106496}
	for _, test := range []struct {
		name string
		want System
		free free
	}{
		{"meminfo-2.6.18", System{Total: 515512 * kB, Free: 21460 * kB, Buffers: 61704 * kB, Cached: 195132 * kB,
			SwapTotal: 1052248 * kB, SwapFree: 1052140 * kB}, free{used: 494052, usedLess: 237216, swapUsed: 108}},
		{"meminfo-4.19", server, serverFree},
		{"meminfo-5.10", server, serverFree},
		{"meminfo-6.1", server, serverFree},
		{"meminfo-6.18", System{Total: 24684092 * kB, Free: 23551404 * kB, Available: 23776676 * kB, Buffers: 23268 * kB,
			Cached: 238000 * kB, SReclaimable: 281652 * kB, Shmem: 8860 * kB}, free{used: 1132688, usedLess: 871420}},
	} {
		got, err := ParseMeminfo(fixture(t, test.name))
		if got != test.want || err != nil {
			t.Errorf("%s: %+v, %v, want %+v", test.name, got, err, test.want)
		}
		if used := (free{got.Used() / kB, got.UsedLess() / kB, got.SwapUsed() / kB}); used != test.free {
			t.Errorf("%s: %+v, want %+v", test.name, used, test.free)
		}
	}
}

func TestParseMeminfoRefuses(t *testing.T) {
	whole := string(fixture(t, "meminfo-6.1"))
	for _, key := range []string{"MemTotal", "MemFree", "Buffers", "Cached", "SwapTotal", "SwapFree"} {
		text := strings.Replace("\n"+whole, "\n"+key+":", "\nOther:", 1)
		if _, err := ParseMeminfo([]byte(text)); !matches(err, "find "+key+": no such line") {
			t.Errorf("without %s: %v", key, err)
		}
	}
	text := strings.Replace(whole, "8167848 kB", "8167848", 1)
	if _, err := ParseMeminfo([]byte(text)); !matches(err, "parse MemTotal: .*not in kB") {
		t.Errorf("without a unit: %v", err)
	}
}

// The counters of a moment need not fit together.
func TestUsedNeverWraps(t *testing.T) {
	s := System{Total: 10, Free: 8, Buffers: 1, Cached: 5, SwapTotal: 1, SwapFree: 2}
	if s.Used() != 2 || s.UsedLess() != 0 || s.SwapUsed() != 0 {
		t.Errorf("%+v: used %d, less %d, swap %d", s, s.Used(), s.UsedLess(), s.SwapUsed())
	}
}

func TestMachine(t *testing.T) {
	s, err := Machine()
	if err != nil {
		t.Fatal(err)
	}
	if s.Total == 0 || s.Free == 0 || s.Free > s.Total || s.Available == 0 || s.UsedLess() == 0 || s.UsedLess() > s.Used() {
		t.Errorf("this machine has %+v", s)
	}
}

func TestHugePages(t *testing.T) {
	word, err := HugePages()
	if errors.Is(err, os.ErrNotExist) {
		return // a kernel without them
	}
	if !slices.Contains([]string{"always", "madvise", "never"}, word) || err != nil {
		t.Errorf("this machine has %q, %v", word, err)
	}
}

func TestBracketed(t *testing.T) {
	for text, want := range map[string]string{
		"always [madvise] never\n": "madvise", "[always] madvise never": "always", "a [b]": "b",
		"": "", "always": "", "[]": "", "a [b": "", "a] b": "", "[a b]": "",
	} {
		got, err := bracketed([]byte(text))
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
	}
}
