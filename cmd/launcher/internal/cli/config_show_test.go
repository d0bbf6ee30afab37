//go:build linux

package cli

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// shownHere returns what config show has of a command line.
func shownHere(t *testing.T, words string, variables ...string) (shown shownOptions) {
	t.Helper()
	app := newApp(os.Stdout, os.Stderr)
	line, err := readCommandLine(app, strings.Fields(words))
	if err == nil {
		err = line.readElsewhere(app, variables)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range app.Commands {
		withoutVariables(command.Flags)
		if command.Name == configShowName {
			command.Action = func(ctx *cli.Context) (err error) {
				shown, err = optionsInForce(ctx)
				return err
			}
		}
	}
	app.Metadata, app.ErrWriter = map[string]any{lineKey: &line}, io.Discard
	if err := app.Run(line.words()); err != nil {
		t.Fatal(err)
	}
	return shown
}

func (s shownOptions) option(name string) shownOption {
	for _, option := range s.Options {
		if option.Name == name {
			return option
		}
	}
	return shownOption{}
}

// TestOptionsInForce: each with its value, as it would be on the command line, and with where that comes from.
func TestOptionsInForce(t *testing.T) {
	t.Setenv("RAILS_ENV", "staging")
	t.Setenv(webConcurrency, "")
	root := rootWith(t, "# first\nhttp:\n  - 127.0.0.1:1\n  - 127.0.0.1:2\ndrain-timeout: 90s\nmin: 2\n")
	shown := shownHere(t, "config show --slow-log 5s --root "+root, "LAUNCHER_MAX_BODY=1MB", "LAUNCHER_KEEP_SOCKETS=1")
	for name, want := range map[string]string{
		"http": "127.0.0.1:1 127.0.0.1:2 | file, line 3", "drain-timeout": "1m30s | file, line 5", "min": "2 | file, line 6",
		"slow-log": "5s | command line", "max-body": "1MB | LAUNCHER_MAX_BODY", "keep-sockets": "true | LAUNCHER_KEEP_SOCKETS",
		"root": root + " | command line", "socket-dir": root + "/log | default", "environment": "staging | RAILS_ENV",
		"boot-timeout": "1m30s | default", "request-timeout": "1m | default", "max-age": "(any) | default", "idle-timeout": "30s | default",
		"ruby": "ruby | default", "log-file": "(standard error) | default", "workers": "(none) | default", "allow-root": "false | default",
	} {
		option := shown.option(name)
		if got := strings.Join(option.text, " ") + " | " + option.origin(); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		if none := strings.HasPrefix(want, "("); none != (option.Value == nil) {
			t.Errorf("%s: %v", name, option.Value)
		}
	}
	if http := shown.option("http"); http.Line != 3 || http.Column != 5 || http.Source != fromTheFile || *shown.File != root+"/config/launcher.yml" {
		t.Errorf("%+v", http)
	}
	text := shown.text(*shown.File)
	for _, want := range []string{"the file is " + root + "/config/launcher.yml\n\n", "\ndrain-timeout     1m30s", "\nhttp              127.0.0.1:1 ", "\n                  127.0.0.1:2\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
