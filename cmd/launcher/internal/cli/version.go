//go:build linux

package cli

import (
	"fmt"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
)

// release is the version of these sources: the first heading of CHANGELOG.md. With -dev it is the one that
// they are on the way to.
const release = "0.9.0-dev"

// The build's name for itself may be a tag, as "git describe" has it, or a revision. What Go calls a version
// where no tag is (v0.0.0-20261126051205-d2d5ef22e87c) is neither.
var (
	tagged   = regexp.MustCompile(`^v?([0-9]+\.[0-9]+\.[0-9]+.*)$`)
	invented = regexp.MustCompile(`[-.][0-9]{14}-[0-9a-f]{12}(?:\+.*)?$`)
)

// buildVersion is which launcher this is.
type buildVersion struct {
	version  string
	revision string // "" where the version says it, or nothing is known
}

// versionOf reads the build's name for itself; without one, what Go has noted of the sources.
func versionOf(build string, info *debug.BuildInfo) buildVersion {
	if build == "" && info != nil {
		build = versionIn(info)
	}
	if match := tagged.FindStringSubmatch(build); match != nil {
		return buildVersion{version: match[1]}
	}
	return buildVersion{version: release, revision: build}
}

// versionIn is the module's version, or the revision of its sources.
func versionIn(info *debug.BuildInfo) string {
	if tagged.MatchString(info.Main.Version) && !invented.MatchString(info.Main.Version) {
		return info.Main.Version
	}
	revision, changed := "", ""
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision":
			revision = setting.Value[:min(12, len(setting.Value))]
		case setting.Key == "vcs.modified" && setting.Value == "true":
			changed = "-dirty"
		}
	}
	if revision == "" {
		return ""
	}
	return revision + changed
}

// thisVersion is that of the program which runs.
func thisVersion(build string) buildVersion {
	info, _ := debug.ReadBuildInfo()
	return versionOf(build, info)
}

// String is what a running launcher says of itself: 0.9.0-dev (d2d5ef2).
func (v buildVersion) String() string {
	if v.revision == "" {
		return v.version
	}
	return v.version + " (" + v.revision + ")"
}

// versionText is what "launcher version" prints.
func versionText(build string) string {
	v := thisVersion(build)
	made := []string{v.revision, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
	if v.revision == "" {
		made = made[1:]
	}
	return fmt.Sprintf("launcher %s (%s)\n", v.version, strings.Join(made, ", "))
}
