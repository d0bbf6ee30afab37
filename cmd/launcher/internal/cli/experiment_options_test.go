//go:build linux

package cli

import (
	"strings"
	"testing"
)

func TestExperimentCommandAsTyped(t *testing.T) {
	t.Parallel()
	got := commandTyped([]string{"/opt/bin/launcher", "experiment", "--output", "/srv/report", "--path", "/posts", "--output=/x", "--straight"})
	if want := "launcher experiment --path /posts --straight"; strings.Join(got, " ") != want {
		t.Errorf("%q, want %q", got, want)
	}
}
