//go:build linux

package proc

import (
	"bytes"
	"fmt"
	"os"
	"testing"
	"unicode/utf8"
)

func FuzzParseRollup(f *testing.F) {
	for _, version := range []string{"4.19", "5.10", "6.1", "6.18", "without-SwapPss"} {
		f.Add(fixture(f, "smaps_rollup-"+version))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		usage, err := ParseRollup(text)
		if err != nil {
			if usage != (Usage{}) {
				t.Errorf("%+v beside %v", usage, err)
			}
			return
		}
		if usage.Private > usage.RSS || usage.RSS%kB+usage.PSS%kB+usage.Private%kB+usage.Swap%kB != 0 {
			t.Errorf("%+v", usage)
		}
		if longer, err := ParseRollup(append([]byte("Pss_New: x\n"), text...)); err == nil && longer != usage {
			t.Errorf("%+v with a line that is not known, %+v without", longer, usage)
		}
	})
}

func FuzzParseMeminfo(f *testing.F) {
	for _, version := range []string{"2.6.18", "4.19", "5.10", "6.1", "6.18"} {
		f.Add(fixture(f, "meminfo-"+version))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := ParseMeminfo(text)
		if err != nil {
			if s != (System{}) {
				t.Errorf("%+v beside %v", s, err)
			}
			return
		}
		if s.Used() > s.Total || s.UsedLess() > s.Used() || s.SwapUsed() > s.SwapTotal {
			t.Errorf("%+v", s)
		}
	})
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("42 (ruby)" + restOfStat))
	f.Add([]byte("42 (a) (b\n) 1)" + restOfStat))
	f.Add([]byte("42 ()"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParseStat(text)
		if err != nil {
			return
		}
		if p.Pid < 0 || p.Parent < 0 {
			t.Errorf("%+v", p)
		}
		again := fmt.Sprintf("%d (%s) %c %d %d %d 0 0 0 %d 0 0 0 %d 0 0 0 0 0 0 0 %d 0 %d",
			p.Pid, p.Comm, p.State, p.Parent, p.Group, p.Session, p.Faults, p.CPU/clockTick, p.Start, p.Resident/uint64(os.Getpagesize()))
		if p.State < utf8.RuneSelf { // %c writes two bytes of a greater one
			if q, err := ParseStat([]byte(again)); q != p || err != nil {
				t.Errorf("%+v is read again as %+v, %v", p, q, err)
			}
		}
	})
}

func FuzzParseSchedule(f *testing.F) {
	f.Add([]byte("25 17 3\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if d, err := parseSchedule(text); d < 0 || err != nil && d != 0 {
			t.Errorf("%v, %v", d, err)
		}
	})
}

func FuzzParseMappings(f *testing.F) {
	f.Add([]byte(smapsText))
	f.Fuzz(func(t *testing.T, text []byte) {
		found, err := parseMappings(bytes.NewReader(text))
		for _, m := range found {
			if m.start >= m.end || err != nil {
				t.Errorf("%x beside %v", found, err)
			}
		}
	})
}

func FuzzCleanTitle(f *testing.F) {
	f.Add("ruby\x00-e\x00", 4)
	f.Add("éé\xff", 3)
	f.Fuzz(func(t *testing.T, text string, length int) {
		length = min(max(length, 0), maxTitle)
		title := cleanTitle(text, length)
		if len(title) > length || !utf8.ValidString(title) {
			t.Errorf("%q", title)
		}
	})
}
