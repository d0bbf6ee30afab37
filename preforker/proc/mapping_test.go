//go:build linux

package proc

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

const smapsText = `55d0-55d8 r-xp 00002000 fe:00 246999                     /usr/bin/a: b-c d
Size:                 32 kB
Rss:                  32 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
55d8-55e0 rw-p 0000a000 fe:00 246999                     /usr/bin/a: b-c d
Anonymous:             4 kB
7f00-7f80 rw-p 00000000 00:00 0
Anonymous:            80 kB
AnonHugePages:         0 kB
7ffe-7fff r--p 00000000 00:00 0                          [vvar]
Anonymous:             0 kB
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0  [vsyscall]
Anonymous:             0 kB
`

func TestParseMappings(t *testing.T) {
	got, err := parseMappings(strings.NewReader(smapsText))
	want := []mapping{{0x55d8, 0x55e0}, {0x7f00, 0x7f80}}
	if !slices.Equal(got, want) || err != nil {
		t.Errorf("%x, %v, want %x", got, err, want)
	}
}

func TestParseMappingsOfSelf(t *testing.T) {
	smaps, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer smaps.Close()
	got, err := parseMappings(smaps)
	if len(got) == 0 || err != nil {
		t.Errorf("%x, %v", got, err)
	}
}

func TestParseMappingsRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"Anonymous: 4 kB\n":                   "before any mapping",
		"1000-2000 rw-p\nAnonymous: 4\n":      "not in kB",
		"1000 rw-p\n":                         "no range",
		"2000-1000 rw-p\n":                    "no range",
		"1000-x rw-p\n":                       "no range",
		"1000-10000000000000000 rw-p\n":       "no range",
		"\n":                                  "no range",
		strings.Repeat("a", 2*maxLine) + "\n": "read mappings: .*too long",
	} {
		if got, err := parseMappings(strings.NewReader(text)); !matches(err, want) {
			t.Errorf("%.40q: %x, %v, want %s", text, got, err, want)
		}
	}
	broken := errors.New("broken")
	if _, err := parseMappings(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("an error of the reader: %v", err)
	}
}
