//go:build linux

package cli

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"launcher/cmd/launcher/internal/experiment/server"
	"launcher/preforker/hint"
)

// read takes a command line and an environment apart as run does.
func read(t *testing.T, words string, variables ...string) (commandLine, error) {
	t.Helper()
	app := newApp(os.Stdout, os.Stderr)
	line, err := readCommandLine(app, strings.Fields(words))
	if err == nil {
		err = line.readElsewhere(app, variables)
	}
	return line, err
}

// TestOptionsHoldWhereverTheyStand: before and behind the command that they are for, and behind its arguments.
func TestOptionsHoldWhereverTheyStand(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]string{
		"4 --root /x":                       "launcher run --root=/x -- 4",
		"--root /x 4":                       "launcher run --root=/x -- 4",
		"--root=/x 4":                       "launcher run --root=/x -- 4",
		"-root /x -e staging 4":             "launcher run --root=/x --environment=staging -- 4",
		"--root /x doctor":                  "launcher doctor --root=/x --",
		"doctor --root /x":                  "launcher doctor --root=/x --",
		"--root /x doctor -e test":          "launcher doctor --root=/x --environment=test --",
		"--json status --root /x":           "launcher status --json=true --root=/x --",
		"--root /x config 4":                "launcher config --root=/x -- 4",
		"config --root /x 4":                "launcher config --root=/x -- 4",
		"config 4 --root /x":                "launcher config --root=/x -- 4",
		"--full config 4 --port 80":         "launcher config --full=true --port=80 -- 4",
		"--root status 4":                   "launcher run --root=status -- 4",
		"--root /x -- 4":                    "launcher run --root=/x -- 4",
		"--root /x config -- 4":             "launcher config --root=/x -- 4",
		"-- config 4":                       "launcher run -- config 4",
		"--warmup /a 4 --warmup /b":         "launcher run --warmup=/a --warmup=/b -- 4",
		"-1":                                "launcher run -- -1",
		"--url-prefix= 4":                   "launcher run --url-prefix= -- 4",
		"--method smart experiment":         "launcher experiment --method=smart --",
		"experiment --path /a --requests 5": "launcher experiment --path=/a --requests=5 --",
	} {
		line, err := read(t, words)
		if got := strings.Join(line.words(), " "); err != nil || got != want {
			t.Errorf("launcher %s: %q, %v, want %q", words, got, err, want)
		}
	}
}

func TestHelpAndVersionWhereverTheyStand(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]string{
		"help": "run", "--help": "run", "-h": "run", "4 --help": "run", "--nonsense -h": "run",
		"help config": "config", "config help": "config", "config -h": "config", "--help config": "config", "config 4 --help": "config",
		"help doctor --json": "doctor", "status --root /x --help": "status", "--root --help": "run",
	} {
		if line, err := read(t, words); err != nil || !line.help || line.command.Name != want {
			t.Errorf("launcher %s: %+v, %v", words, line, err)
		}
	}
	for _, words := range []string{"version", "--version", "-v", "status --version", "4 --version", "version -v", "--root version --version"} {
		if line, err := read(t, words); err != nil || !line.version {
			t.Errorf("launcher %s: %+v, %v", words, line, err)
		}
	}
}

// TestMistakesInTheCommandLine: what is wrong, and the way that was meant.
func TestMistakesInTheCommandLine(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ words, says, try string }{
		{"statsu", `there is no command "statsu"; did you mean status\?`, "^launcher status$"},
		{"docter --json", `did you mean doctor\?`, "^launcher doctor$"},
		{"help conifg", `no command "conifg"; did you mean config\?`, "^launcher config$"},
		{"version 3", `version takes nothing more, not "3"$`, "^launcher version$"},
		{"version -- status", `version takes nothing more, not "status"$`, "^launcher version$"},
		{"config chekc", `there is no command "config chekc"; did you mean config check\?$`, "^launcher config check$"},
		{"config chekc --http :3 4", `did you mean config check\?$`, "^launcher config check$"},
		{"--root /x config shwo", `no command "config shwo"; did you mean config show\?$`, "^launcher config show$"},
		{"help config chekc", `did you mean config check\?$`, "^launcher config check$"},
		{"config chekc --help", `did you mean config check\?$`, "^launcher config check$"},
		{"config frobnicate", `no command "config frobnicate", but config show, config check, and config with a number of workers$`, "^launcher config --help$"},
		{"version --json", `version takes nothing more, not "--json"$`, "^launcher version$"},
		{"help frobnicate", `no command "frobnicate"$`, "^launcher help$"},
		{"frobnicate", `NUM is a number of workers, not "frobnicate"`, "^launcher 4$"},
		{"start 4", `no command "start"`, "^launcher 4$"},
		{"reload", `no command "reload"`, "^launcher restart$"},
		{"4 config", "the command config stands before NUM", "^launcher config 4$"},
		{"--scoket-dir /x 4", `no option --scoket-dir; did you mean --socket-dir\?`, "^launcher --help$"},
		{"--enviroment test 4", `did you mean --environment\?`, "^launcher --help$"},
		{"status --jsn", `did you mean --json\?`, "^launcher status --help$"},
		{"--nonsense 4", `there is no option --nonsense$`, "^launcher --help$"},
		{"-etest 4", `no option -etest; did you mean -e test\?`, "^launcher --help$"},
		{"--http :3 status", `launcher status has no option --http; launcher has$`, "^launcher status --help$"},
		{"config --ruby x 4", `launcher config has no option --ruby; launcher, launcher doctor, launcher experiment have$`, "^launcher config --help$"},
		{"--full 4", `launcher has no option --full; launcher config has$`, "^launcher --help$"},
		{"4 --root", `--root needs a value: --root FOLDER`, "^launcher --help$"},
		{"--root --http :3 4", `--root needs a value: --root FOLDER`, "^launcher --help$"},
		{"--root -- 4", `--root needs a value: --root FOLDER`, "^launcher --help$"},
		{"--root= 4", `read --root: its value is empty`, "^leave --root out"},
		{"-e= 4", `read -e: its value is empty`, "^leave -e out"},
		{"--boot-timeout 30 4", `read --boot-timeout: "30" has no unit: ms, s, m or h`, "^--boot-timeout 30s$"},
		{"--seed-time 500 4", `"500" has no unit: ms, s, m or h`, "^--seed-time 500ms$"},
		{"--slow-log soon 4", `"soon" is not a time such as`, "^--slow-log 5s$"},
		{"--max-age soon 4", `"soon" is not a time such as`, "^--max-age 6h$"},
		{"events --last two", `"two" is not a whole number`, "^--last 20$"},
		{"--min two 4", `"two" is not a whole number`, "^--min 1$"},
		{"restart --timeout soon", `"soon" is not a time such as`, "^--timeout 5m$"},
		{"--boot-timeout soon 4", `"soon" is not a time such as`, "^--boot-timeout 1m30s$"},
		{"--warmup-count 0x10 4", `read --warmup-count: "0x10" is not a whole number`, "^--warmup-count 4$"},
		{"--warmup-count 1e1 4", `"1e1" is not a whole number`, "^--warmup-count 4$"},
		{"--max-requests -5 4", `"-5" is below 0`, "^--max-requests 500$"},
		{"--max-requests 99999999999999999999 4", `is out of range`, "^--max-requests 500$"},
		{"config --port http 4", `read --port: "http" is not a whole number`, "^--port 8080$"},
		{"experiment --rate fast", `"fast" is not a number such as 20 or 0.5`, "^--rate 20$"},
		{"--passenger-events=maybe 4", `"maybe" is neither true nor false`, "^--passenger-events$"},
	} {
		line, err := read(t, test.words)
		var usage usageError
		if !errors.As(err, &usage) || !regexp.MustCompile(test.says).MatchString(usage.Error()) || !regexp.MustCompile(test.try).MatchString(hint.Of(err)) {
			t.Errorf("launcher %s: %v, %+v", test.words, err, line.words())
		}
	}
}

// TestTimesBelowZero: no option waits for one, nor is it taken for none, wherever it is given.
func TestTimesBelowZero(t *testing.T) {
	t.Parallel()
	for _, command := range newApp(os.Stdout, os.Stderr).Commands {
		for _, flag := range command.Flags {
			times, is := flag.(*cli.DurationFlag)
			if !is {
				continue
			}
			words, says, try := command.Name+" --"+times.Name+" -1ms", "read --"+times.Name+": -1ms is not a time to wait", "--"+times.Name+" "+times.Value.String()
			if command.Name == runName {
				words = "4 --" + times.Name + "=-1ms"
			}
			var usage usageError
			if _, err := read(t, words); !errors.As(err, &usage) || usage.Error() != says || hint.Of(err) != try {
				t.Errorf("launcher %s: %v, %q", words, err, hint.Of(err))
			}
			for _, variable := range times.EnvVars {
				plain, _, _ := strings.Cut(words, " --")
				line, err := read(t, plain, variable+"=-1ms")
				if err == nil {
					t.Errorf("%s=-1ms launcher %s is accepted", variable, plain)
				} else if text, _ := line.fromElsewhere(err.Error(), hint.Of(err)); text != "read "+variable+": -1ms is not a time to wait" {
					t.Errorf("%s=-1ms: %s", variable, text)
				}
			}
		}
	}
}

// TestEnvironmentOfOptions: the command line comes first, what is empty is not set, and an error names the variable.
func TestEnvironmentOfOptions(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		words     string
		variables []string
		want      string
	}{
		{"4", []string{"LAUNCHER_ROOT=/x"}, "launcher run --root=/x -- 4"},
		{"4 --root /y", []string{"LAUNCHER_ROOT=/x"}, "launcher run --root=/y -- 4"},
		{"4", []string{"LAUNCHER_ROOT=", "LAUNCHER_BOOT_TIMEOUT=", "LAUNCHER_WARMUP="}, "launcher run -- 4"},
		{"4 --warmup /a", []string{"LAUNCHER_WARMUP=/b /c"}, "launcher run --warmup=/a -- 4"},
		{"4", []string{"LAUNCHER_URL_PREFIX=", "RAILS_RELATIVE_URL_ROOT=/shop"}, "launcher run --url-prefix=/shop -- 4"},
		{"status", []string{"LAUNCHER_HTTP=:1", "LAUNCHER_BOOT_TIMEOUT=soon"}, "launcher status --"},
	} {
		line, err := read(t, test.words, test.variables...)
		if got := strings.Join(line.words(), " "); err != nil || got != test.want || len(line.warnings) != 0 {
			t.Errorf("%q launcher %s: %q, %v, %q, want %q", test.variables, test.words, got, err, line.warnings, test.want)
		}
	}
	line, err := read(t, "4", "LAUNCHER_BOOT_TIMEOUT=30")
	if err == nil {
		t.Fatal("30 has no unit")
	}
	text, try := line.fromElsewhere(err.Error(), hint.Of(err))
	if text != `read LAUNCHER_BOOT_TIMEOUT: "30" has no unit: ms, s, m or h` || try != "LAUNCHER_BOOT_TIMEOUT=30s, or --boot-timeout 30s" {
		t.Errorf("%q, %q", text, try)
	}
	line, _ = read(t, "4", "LAUNCHER_ROOT=/nowhere")
	if _, try := line.fromElsewhere("find application: /nowhere is not a folder", "name the folder with --root"); try !=
		`name the folder with --root (LAUNCHER_ROOT is "/nowhere" in the environment)` {
		t.Errorf("%q", try)
	}
	line, _ = read(t, "4", "PORT=3000")
	if _, try := line.fromElsewhere("listen on :3000: address already in use", "choose another --http"); try !=
		`choose another --http (PORT is "3000" in the environment)` {
		t.Errorf("%q", try)
	}
}

func TestUnknownVariables(t *testing.T) {
	t.Parallel()
	line, err := read(t, "4", "LAUNCHER_SOKET_DIR=/x", "LAUNCHER_COLOUR=red", "LAUNCHER_EMPTY=", "LAUNCHER_TEST_BINARY=/x", "LAUNCHER_BENCH_ROOT=/x",
		"LAUNCHER_LIGHTTPD=/x", server.GroupVariable+"=1", scratchVariable+"=/x", "ALAUNCHER=1")
	want := []string{"the environment variable LAUNCHER_COLOUR is none of the launcher's",
		"the environment variable LAUNCHER_SOKET_DIR is none of the launcher's; did you mean LAUNCHER_SOCKET_DIR?"}
	if err != nil || !slices.Equal(line.warnings, want) {
		t.Errorf("%q, %v", line.warnings, err)
	}
}

func TestOptionGivenTwice(t *testing.T) {
	t.Parallel()
	line, err := read(t, "--root /a 4 --root /b --ruby ruby --ruby ruby")
	if got := strings.Join(line.words(), " "); err != nil || got != "launcher run --root=/b --ruby=ruby -- 4" {
		t.Errorf("%q, %v", got, err)
	}
	if want := []string{`--root is given twice; "/b" holds, and "/a" does not`}; !slices.Equal(line.warnings, want) {
		t.Errorf("%q", line.warnings)
	}
}
