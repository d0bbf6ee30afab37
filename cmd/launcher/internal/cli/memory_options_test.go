//go:build linux

package cli

import (
	"fmt"
	"testing"

	"launcher/preforker"
	"launcher/preforker/core"
)

func TestSpare(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]core.Spare{"0": core.SpareNone, "1": core.SpareOne, " Auto ": core.SpareAuto} {
		if got, err := spare(text); err != nil || got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "2", "-1", "yes"} {
		if got, err := spare(text); err == nil {
			t.Errorf("%q is taken for %q", text, got)
		}
	}
}

func TestReforkAfter(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]preforker.Refork{
		"auto": core.AutoRefork(), " AUTO ": core.AutoRefork(), "never": {},
		"50": {After: []uint64{50}}, "5, 500,1": {After: []uint64{5, 500, 1}},
	} {
		if refork, err := reforkAfter(text); err != nil || fmt.Sprint(refork) != fmt.Sprint(want) {
			t.Errorf("%q: %+v, %v", text, refork, err)
		}
	}
	if auto := core.AutoRefork(); !auto.Checked || len(auto.After) == 0 {
		t.Errorf("%+v", auto)
	}
}
