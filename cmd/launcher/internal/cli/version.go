//go:build linux

package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// versionName is the build's name for itself, the one of its module where it has none, or its revision.
func versionName(build string) string {
	if build != "" {
		return build
	}
	info, known := debug.ReadBuildInfo()
	if !known {
		return "of no known version"
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
	switch {
	case info.Main.Version != "" && info.Main.Version != "(devel)":
		return info.Main.Version
	case revision != "":
		return revision + changed
	default:
		return "development"
	}
}

func versionText(name string) string {
	return fmt.Sprintf("launcher %s (%s, %s/%s)\n", name, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
