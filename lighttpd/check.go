package lighttpd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

const installHint = "install lighttpd (Debian: apt-get install lighttpd), or name its program with its path"

// Find returns the version of the lighttpd at binary, or of the one installed
// when binary is empty. If none is installed the error wraps exec.ErrNotFound,
// and DefaultVersion is the one to write for.
func Find(ctx context.Context, binary string) (Version, error) {
	path, err := locate(binary)
	if err != nil {
		return Version{}, err
	}
	out, err := run(ctx, path, "-v")
	if err != nil {
		return Version{}, err
	}
	line, _, _ := strings.Cut(out, "\n")
	return ParseVersion(strings.TrimSpace(line))
}

// wholeFile tells a whole configuration from a snippet: lighttpd demands
// server.document-root outside every block, a snippet has none there.
var wholeFile = regexp.MustCompile(`(?m)^server\.document-root\b`)

// ignored is what lighttpd says of an option that it passes over, with exit
// status 0. It says nothing at all of an unknown option of a backend, unless
// there is an underscore in its name.
var ignored = regexp.MustCompile(`unknown config-key|incorrect directive`)

// Check has the lighttpd at binary (or the installed one when binary is empty)
// read configText, load the modules that it names and initialise them. A
// snippet is wrapped into a minimal whole file. The error carries what
// lighttpd said. An option that this lighttpd would ignore is an error too.
func Check(ctx context.Context, binary, configText string) error {
	path, err := locate(binary)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "launcher-lighttpd-")
	if err != nil {
		return fmt.Errorf("make folder for configuration to check: %w", err)
	}
	defer os.RemoveAll(dir)
	if !wholeFile.MatchString(configText) {
		// At the end, so that lighttpd names the snippet's own lines.
		configText += "\nserver.document-root = " + quote(emptyRoot) + "\n"
	}
	file := filepath.Join(dir, "lighttpd.conf")
	if err := os.WriteFile(file, []byte(configText), 0o600); err != nil {
		return fmt.Errorf("write configuration to check: %w", err)
	}
	said, err := run(ctx, path, "-tt", "-f", file)
	said = strings.ReplaceAll(said, file, "lighttpd.conf")
	if err != nil {
		return failf("where it names a host, see that it is known here; else compare the version that the configuration is for with lighttpd -v",
			"check configuration: %w: %s", err, said)
	}
	if ignored.MatchString(said) {
		return failf("compare the version that the configuration is for with lighttpd -v",
			"check configuration: this lighttpd would ignore a part of it: %s", said)
	}
	return nil
}

// locate returns the path of the lighttpd program. Distributions put it into
// a sbin folder, which the PATH of a plain user lacks.
func locate(binary string) (string, error) {
	if binary != "" {
		path, err := exec.LookPath(binary)
		if err != nil {
			return "", failf(installHint, "find lighttpd: %w", err)
		}
		return path, nil
	}
	for _, candidate := range []string{"lighttpd", "/usr/sbin/lighttpd", "/usr/local/sbin/lighttpd", "/opt/homebrew/bin/lighttpd"} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path, nil
		}
	}
	return "", failf(installHint, "find lighttpd: %w", exec.ErrNotFound)
}

// run runs lighttpd to its end and returns all that it printed.
func run(ctx context.Context, path string, args ...string) (string, error) {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second // for what it has started, which may hold its output
	err := cmd.Run()
	said := strings.TrimSpace(out.String())
	if ctx.Err() != nil {
		return said, fmt.Errorf("run lighttpd: %w", context.Cause(ctx))
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return said, failf(installHint, "run lighttpd: %w", err)
	}
	if err != nil {
		return said, fmt.Errorf("run lighttpd: %w", err)
	}
	return said, nil
}
