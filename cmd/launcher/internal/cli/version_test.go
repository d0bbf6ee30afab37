//go:build linux

package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"
)

func TestVersionOf(t *testing.T) {
	t.Parallel()
	sources := func(version, revision, modified string) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: version}, Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: revision}, {Key: "vcs.modified", Value: modified}}}
	}
	const revision = "d2d5ef22e87c665ee30399e13698b067af495fca"
	for _, test := range []struct {
		build string
		info  *debug.BuildInfo
		want  string
	}{
		{"", nil, release},
		{"", &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, release},
		{"d2d5ef2", nil, release + " (d2d5ef2)"},
		{"4550e82-dirty", nil, release + " (4550e82-dirty)"}, // a revision may begin with digits
		{"v1.2.0", nil, "1.2.0"},
		{"v1.2.0-3-gd2d5ef2-dirty", nil, "1.2.0-3-gd2d5ef2-dirty"},
		{"1.2.0-1~bpo12", nil, "1.2.0-1~bpo12"},
		{"", sources("(devel)", revision, "false"), release + " (d2d5ef22e87c)"},
		{"", sources("(devel)", revision, "true"), release + " (d2d5ef22e87c-dirty)"},
		{"", sources("v0.0.0-20261126051205-d2d5ef22e87c", revision, "false"), release + " (d2d5ef22e87c)"},
		{"", sources("v0.9.1-0.20261126051205-d2d5ef22e87c+dirty", revision, "true"), release + " (d2d5ef22e87c-dirty)"},
		{"", sources("v0.9.0", revision, "false"), "0.9.0"},
		{"d2d5ef2", sources("v0.9.0", revision, "false"), release + " (d2d5ef2)"},
	} {
		if got := versionOf(test.build, test.info).String(); got != test.want {
			t.Errorf("build %q, sources %+v: %q, not %q", test.build, test.info, got, test.want)
		}
	}
	if got := versionText("d2d5ef2"); !regexp.MustCompile(`^launcher ` + regexp.QuoteMeta(release) + ` \(d2d5ef2, go\S+, linux/\w+\)\n$`).MatchString(got) {
		t.Errorf("printed %q", got)
	}
}

// TestChangelogHasThisVersion: the first heading is of the version that these sources are, or are on the way to.
func TestChangelogHasThisVersion(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "CHANGELOG.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "\n## ")
	heading, body, _ := strings.Cut(after, "\n")
	version, developed := strings.CutSuffix(release, "-dev")
	named, when, _ := strings.Cut(heading, ", ")
	if named != version || developed != (when == "not released yet") {
		t.Errorf("the first heading is %q, and this is %s", heading, release)
	}
	if body, _, _ := strings.Cut(body, "\n## "); len(strings.TrimSpace(body)) == 0 {
		t.Errorf("nothing is told of %s", heading)
	}
}
