//go:build linux

package cli

import (
	"os"
	"slices"
	"strings"
	"testing"

	"launcher/cmd/launcher/internal/usage"
	"launcher/cmd/launcher/internal/usage/usagetest"
)

// printed is what a command prints on standard output, which must not say anything besides.
func printed(t *testing.T, args ...string) string {
	t.Helper()
	status, stdout, stderr := runLine(t, args...)
	if status != exitOK || stderr != "" {
		t.Fatalf("%q: %d, %s", args, status, stderr)
	}
	return stdout
}

// TestShellsKnowCommandsAndOptions: each that there is, of each command its own.
func TestShellsKnowCommandsAndOptions(t *testing.T) {
	t.Parallel()
	app := newApp(os.Stdout, os.Stderr)
	lines, want := []string{"launcher "}, [][]string{{autoNumber, "help", "version"}}
	for _, command := range app.Commands {
		options := []string{"--help", "--version"}
		for _, of := range app.Commands {
			if of == command || strings.HasPrefix(of.Name, command.Name+" ") { // of config show
				for _, flag := range of.Flags {
					options = append(options, "--"+flag.Names()[0])
				}
			}
		}
		if strings.Contains(command.Name, " ") {
			continue
		}
		if command.Name == runName {
			lines = append(lines, "launcher --")
		} else {
			lines = append(lines, "launcher "+command.Name+" --")
			want[0] = append(want[0], command.Name)
		}
		want = append(want, options)
	}
	for _, options := range want {
		slices.Sort(options)
	}
	for i := range want {
		want[i] = slices.Compact(want[i])
	}
	for _, shell := range usagetest.Shells() {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			for i, got := range usagetest.Complete(t, shell, "launcher", printed(t, "completion", shell), lines) {
				if !slices.Equal(got, want[i]) {
					t.Errorf("%q:\n%q, not\n%q", lines[i], got, want[i])
				}
			}
		})
	}
}

// TestValuesAreKnown: where an option has words, or names a file, a folder, a user or a program.
func TestValuesAreKnown(t *testing.T) {
	t.Parallel()
	values := map[string]usage.Value{}
	program := describe(newApp(os.Stdout, os.Stderr))
	for _, command := range program.Commands {
		for _, option := range command.Options {
			values[option.Names[0]] = option.Value
		}
	}
	for name, want := range map[string]string{
		optLogFormat: "text json", optLogLevel: "debug info warn error", optSpawnMethod: "smart direct", optMountedBy: "auto launcher app",
		optMetricsCompat: "puma php-fpm", optMaxPrivate: "auto off", optMemoryLimit: "off", optProbe: "auto off", optReforkAfter: "auto never, list", optSpare: "auto 0 1",
		optTrustedProxy: "private none", optSendfileDir: "none folders", optAccessLog: "- files", optServer: "lighttpd nginx haproxy apache caddy",
		optRoot: "folders", optRackup: "files", optUser: "users", optGroup: "groups", optRuby: "programs", optTLSKey: "files",
		optPath: "", optWarmup: "", optListen: "", optHTTP: "", optMin: "", optKeepSockets: "", optDrainTimeout: "", optMaxBody: "",
	} {
		value := values[name]
		got := strings.TrimSpace(strings.Join(value.Words, " ") + " " + string(value.Kind))
		if value.List {
			got += ", list"
		}
		if got != want {
			t.Errorf("--%s: %q, not %q", name, got, want)
		}
	}
	if without := values[optWithout]; !without.List || len(without.Words) < 10 {
		t.Errorf("--%s: %v", optWithout, without)
	}
}

// TestArgumentsAreRead from the lines that say how a command is called.
func TestArgumentsAreRead(t *testing.T) {
	t.Parallel()
	for lines, want := range map[string]usage.Value{
		"launcher do [options] NUM   does it":                {},
		"launcher do bash|zsh":                               {Words: []string{"bash", "zsh"}},
		"launcher do [options] show\nlauncher do check FILE": {Words: []string{"show", "check"}},
		"launcher do unix:PATH\nlauncher do HOST:PORT":       {Words: []string{"unix:"}},
		"launcher do [options] [FILE]":                       {Kind: usage.Files},
		"launcher do [command]":                              {Kind: usage.Commands},
		"launcher do --all FOLDER":                           {Kind: usage.Folders},
		"launcher do [options]   show it":                    {},
	} {
		if got := arguments(lines, "do"); got.Kind != want.Kind || !slices.Equal(got.Words, want.Words) {
			t.Errorf("%q: %+v", lines, got)
		}
	}
}

// TestManual: formatters have nothing to say of it, and no option is missing.
func TestManual(t *testing.T) {
	t.Parallel()
	page := printed(t, "man")
	usagetest.Lint(t, page)
	app := newApp(os.Stdout, os.Stderr)
	for _, command := range app.Commands {
		for _, flag := range command.Flags {
			if name := strings.ReplaceAll("--"+flag.Names()[0], "-", `\-`); !strings.Contains(page, name) {
				t.Errorf("%s: no word of --%s", command.Name, flag.Names()[0])
			}
		}
		wanted := `.SS "launcher ` + command.Name + `"`
		if strings.Contains(command.Name, " ") {
			wanted = "\n" + command.Name + ": " // in the section of its first word
		}
		if command.Name != runName && !strings.Contains(page, wanted) {
			t.Errorf("no word of %s", command.Name)
		}
	}
}

// TestManualHasTheDateOfItsBuild, which can be repeated.
func TestManualHasTheDateOfItsBuild(t *testing.T) {
	t.Parallel()
	if got := madeAt("1000000000").UTC().Year(); got != 2001 {
		t.Error(got)
	}
	if got := madeAt("").Year(); got < 2026 {
		t.Error(got)
	}
}

func TestCompletionOfNoShell(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"completion":          "the shell is missing: bash, zsh, fish",
		"completion bask":     "Try: launcher completion bash",
		"completion csh":      `there is no completion for "csh", but for bash, zsh, fish`,
		"completion bsh":      `there is no completion for "bsh"; did you mean bash?`,
		"completion bash zsh": `not "zsh" too`,
		"man 1":               "man takes nothing more",
	} {
		if status, stdout, stderr := runLine(t, strings.Fields(args)...); status != exitUsage || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("%s: %d, %s%s", args, status, stdout, stderr)
		}
	}
}
