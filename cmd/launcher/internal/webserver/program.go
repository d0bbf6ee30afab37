package webserver

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

	"launcher/preforker/hint"
)

// Program is how a web server's program is found and asked. It is embedded in what writes its configuration.
type Program struct {
	Name    string // as it is called in errors, and in what is written for it
	Package string // of Debian's
	// Commands are its names, looked for on PATH and in the sbin folders, which the PATH of a plain user lacks.
	Commands []string
	// Version are the arguments for which it prints its version; Printed finds that in the output.
	Version []string
	Printed *regexp.Regexp
	// Test are the arguments for which it tests a file, whose name follows them.
	Test []string
	// Ignored matches what it says, with exit status 0, of a part that it would pass over; nil: it refuses such.
	Ignored *regexp.Regexp
	Oldest  Version // that configuration is written for
	Default Version
	Names   Names  // Server is filled in
	Indent  string // of its configuration, as in Writer
}

// DefaultVersion is the one to write for where no program is at hand.
func (p Program) DefaultVersion() Version { return p.Default }

// Find returns the version of the program that command names, or of the one installed where it is empty.
func (p Program) Find(ctx context.Context, command string) (Version, error) {
	path, err := p.locate(command)
	if err != nil {
		return Version{}, err
	}
	said, err := p.run(ctx, "", path, p.Version...)
	if err != nil {
		return Version{}, err
	}
	found := p.Printed.FindStringSubmatch(said)
	if found == nil {
		return Version{}, hint.Errorf(p.installHint(), "read version of %s: %s does not tell one: %.200q", p.Name, path, said)
	}
	return p.ParseVersion(found[1])
}

// Check has the program that command names, or the one installed, test a configuration.
func (p Program) Check(ctx context.Context, command string, config Config) error {
	path, err := p.locate(command)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "launcher-check-")
	if err != nil {
		return fmt.Errorf("make folder for configuration to check: %w", err)
	}
	defer os.RemoveAll(folder)
	file := filepath.Join(folder, "configuration")
	if err := os.WriteFile(file, []byte(config.Test(folder)), 0o600); err != nil {
		return fmt.Errorf("write configuration to check: %w", err)
	}
	said, err := p.run(ctx, folder, path, append(p.Test, file)...)
	said = strings.ReplaceAll(said, folder+"/", "")
	compare := fmt.Sprintf("where it names a host, see that it is known here; else compare the version that the configuration is for with that of the installed %s", p.Name)
	if err != nil {
		return hint.Errorf(compare, "check configuration: %w: %s", err, said)
	}
	if p.Ignored != nil && p.Ignored.MatchString(said) {
		return hint.Errorf(compare, "check configuration: this %s would ignore a part of it: %s", p.Name, said)
	}
	return nil
}

func (p Program) installHint() string {
	return fmt.Sprintf("install %s (Debian: apt-get install %s), or name its program with its path", p.Name, p.Package)
}

// locate returns the path of the program.
func (p Program) locate(command string) (string, error) {
	if command != "" {
		path, err := exec.LookPath(command)
		if err != nil {
			return "", hint.Errorf(p.installHint(), "find %s: %w", p.Name, err)
		}
		return path, nil
	}
	for _, name := range p.Commands {
		for _, folder := range []string{"", "/usr/sbin/", "/usr/local/sbin/"} {
			if path, err := exec.LookPath(folder + name); err == nil {
				return path, nil
			}
		}
	}
	return "", hint.Errorf(p.installHint(), "find %s: %w", p.Name, exec.ErrNotFound)
}

// run runs the program to its end and returns all that it printed. It writes nothing of its own into the user's folders:
// home is in their place.
func (p Program) run(ctx context.Context, home, path string, args ...string) (string, error) {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if home != "" {
		cmd.Env = append(os.Environ(), "HOME="+home, "XDG_DATA_HOME="+home, "XDG_CONFIG_HOME="+home)
	}
	cmd.WaitDelay = time.Second // for what it has started, which may hold its output
	err := cmd.Run()
	said := strings.TrimSpace(out.String())
	switch exit := (*exec.ExitError)(nil); {
	case ctx.Err() != nil:
		return said, fmt.Errorf("run %s: %w", p.Name, context.Cause(ctx))
	case err != nil && !errors.As(err, &exit):
		return said, hint.Errorf(p.installHint(), "run %s: %w", p.Name, err)
	case err != nil:
		return said, fmt.Errorf("run %s: %w", p.Name, err)
	default:
		return said, nil
	}
}
