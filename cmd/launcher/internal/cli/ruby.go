//go:build linux

package cli

import (
	"os/exec"
	"path/filepath"
	"regexp"

	"launcher/preforker/hint"

	"github.com/urfave/cli/v2"
)

// findRuby returns the absolute path of the interpreter, since it is started in the application's
// folder.
func findRuby(ctx *cli.Context) (string, error) {
	path, err := exec.LookPath(ctx.String(optRuby))
	if err != nil {
		return "", namedBy(ctx, optRuby,
			hint.Errorf("install Ruby 2.7 or later (apt-get install ruby), or name it with --ruby", "find Ruby: %w", err))
	}
	if path, err = absolute(path); err != nil {
		return "", err
	}
	// These would say so themselves only after a start of many seconds.
	if real, err := filepath.EvalSymlinks(path); err == nil && forkless.MatchString(filepath.Base(real)) {
		return "", hint.Errorf("name a CRuby (MRI) with --ruby", "find Ruby: %s is %s, which cannot fork", path, filepath.Base(real))
	}
	return path, nil
}

// forkless matches Rubies on a virtual machine that fork(2) would leave with one thread.
var forkless = regexp.MustCompile(`(?i)^(jruby|truffleruby)`)
