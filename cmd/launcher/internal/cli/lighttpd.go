//go:build linux

package cli

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"launcher/lighttpd"
)

// snippetName is the file beside the sockets that lighttpd can include.
const snippetName = "lighttpd.conf"

// lighttpdTimeout bounds a run of lighttpd that prints its version or checks a file.
const lighttpdTimeout = 20 * time.Second

func bufferedFlag() cli.Flag {
	return &cli.BoolFlag{Name: optBuffered, EnvVars: env(optBuffered),
		Usage: "have lighttpd collect each response before it sends it, but event streams: mod_deflate compresses only what is complete"}
}

// lighttpd returns the site as package lighttpd has it.
func (s site) lighttpd(workers int) lighttpd.Site {
	return lighttpd.Site{Root: s.app.Root, Public: lighttpd.FindPublic(s.app.Root),
		Sockets: s.places(workers), Prefix: s.app.URLPrefix,
		Sendfile: withResolved(s.sendfileDirs), Buffered: s.buffered}
}

// withResolved adds the names of folders without links: lighttpd compares names, and an application may send
// either. Rails knows its root by the resolved one.
func withResolved(dirs []string) (all []string) {
	for _, dir := range dirs {
		dir = filepath.Clean(dir)
		resolved, err := filepath.EvalSymlinks(dir)
		if err != nil { // it is not there yet
			resolved = dir
			if parent, err := filepath.EvalSymlinks(filepath.Dir(dir)); err == nil {
				resolved = filepath.Join(parent, filepath.Base(dir))
			}
		}
		for _, name := range []string{dir, resolved} {
			if !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all
}

// lighttpdVersion returns the version that the user names, else the one installed, else an old one,
// since the web server may run on another machine.
func lighttpdVersion(ctx context.Context, binary, named string) (lighttpd.Version, error) {
	if named != "" {
		version, err := lighttpd.ParseVersion(named)
		if err != nil {
			return version, usageErrorf("--lighttpd-version 1.4.69", "read --%s: %v", optLighttpdVersion, err)
		}
		return version, nil
	}
	bounded, cancel := context.WithTimeout(ctx, lighttpdTimeout)
	defer cancel()
	version, err := lighttpd.Find(bounded, binary)
	if errors.Is(err, exec.ErrNotFound) && binary == "" {
		return lighttpd.DefaultVersion(), nil
	}
	return version, err
}
