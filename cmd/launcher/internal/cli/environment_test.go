//go:build linux

package cli

import (
	"slices"
	"testing"
)

func TestEnvironment(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		explicit, rails, rack string
		want                  environment
	}{
		{"", "", "", environment{"production", "production"}},
		{"", "staging", "", environment{"staging", "staging"}},
		{"", "", "deployment", environment{"deployment", "deployment"}},
		{"", "staging", "deployment", environment{"staging", "deployment"}},
		{"test", "staging", "deployment", environment{"test", "test"}},
	} {
		if got := environmentOf(test.explicit, test.rails, test.rack); got != test.want {
			t.Errorf("%q, %q, %q: %+v, want %+v", test.explicit, test.rails, test.rack, got, test.want)
		}
	}
	want := []string{"RAILS_ENV=a", "RACK_ENV=b", "RAILS_RELATIVE_URL_ROOT=/shop"}
	if got := (environment{"a", "b"}).variables("/shop"); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := (environment{"a", "b"}).variables(""); !slices.Equal(got, want[:2]) {
		t.Errorf("%q", got)
	}
}
