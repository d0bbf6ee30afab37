//go:build linux

package cli

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// noSendfile switches X-Sendfile off.
const noSendfile = "none"

// defaultSendfileDirs returns the folders in which Rails, Active Storage and Redmine keep what they send.
func defaultSendfileDirs() []string { return []string{"public", "storage", "tmp", "files"} }

func sendfileFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: optSendfileDir, EnvVars: env(optSendfileDir),
		Usage: "send files below this `FOLDER`, absolute or below the root, where the application answers with X-Sendfile; may be repeated, " +
			"or several with colons between; " + noSendfile + ": never",
		DefaultText: strings.Join(defaultSendfileDirs(), ", ")}
}

// sendfileDirs returns the absolute paths of the folders that the user names, or of the usual ones. They need not be there yet.
func sendfileDirs(root string, named []string) []string {
	dirs := namedDirs(named)
	switch {
	case len(dirs) == 0:
		dirs = defaultSendfileDirs()
	case slices.Equal(dirs, []string{noSendfile}):
		return nil
	}
	for i, dir := range dirs {
		if !filepath.IsAbs(dir) {
			dirs[i] = filepath.Join(root, dir)
		}
	}
	return dirs
}

// namedDirs takes lists of folders, with colons between, apart.
func namedDirs(lists []string) (dirs []string) {
	for _, list := range lists {
		dirs = append(dirs, filepath.SplitList(list)...)
	}
	return slices.DeleteFunc(dirs, func(dir string) bool { return dir == "" })
}

// missingSendfileDirs returns a warning for each folder that the user names and that is not there.
func missingSendfileDirs(root string, named []string) (warnings []string) {
	if len(namedDirs(named)) == 0 {
		return nil
	}
	for _, dir := range sendfileDirs(root, named) {
		if isFolder(dir) {
			continue
		}
		warning := fmt.Sprintf("--%s names a folder that is not there, and nothing is sent from it: %s", optSendfileDir, dir)
		if strings.Contains(dir, ",") {
			warning += " (several have colons between, and not commas)"
		}
		warnings = append(warnings, warning)
	}
	return warnings
}
