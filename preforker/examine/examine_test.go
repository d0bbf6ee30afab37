package examine

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"launcher/preforker/hint"
	"launcher/preforker/ruby"
)

// patience is what a Ruby may take on a slow machine.
const patience = 3 * time.Minute

// appOf is an application with this config.ru.
func appOf(t *testing.T, text string) ruby.App {
	t.Helper()
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "config.ru"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	app, err := ruby.FindApp(root)
	if err != nil {
		t.Fatal(err)
	}
	app.MountedBy = ruby.MountedByAuto
	return app
}

func realRuby(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("ruby")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRun(t *testing.T) {
	t.Parallel()
	app := appOf(t, "$held = File.open(\"held\", \"w\")\nrun ->(_env) { [200, {}, []] }\n")
	found, err := Run(t.Context(), Config{App: app, Ruby: realRuby(t), BootTimeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	if found.Ruby == "" || found.Rack == "" || found.Rails != "" || found.Seconds <= 0 {
		t.Errorf("%+v", found)
	}
	held := ""
	for _, f := range found.Findings {
		if f.Kind == "file" {
			held = f.Text + f.Where
		}
	}
	if !strings.Contains(held, "held") {
		t.Errorf("an open file is not among the findings: %+v", found.Findings)
	}
}

// TestRunOfWhatDoesNotLoad says why, with a hint.
func TestRunOfWhatDoesNotLoad(t *testing.T) {
	t.Parallel()
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		app, program, says string
	}{
		"raises":     {"raise KeyError, 'no key'\n", "", "load the application: KeyError: no key"},
		"exits":      {"exit 3\n", "", "load the application: it ended itself with exit (status 3)"},
		"is killed":  {"Process.kill(:KILL, $$)\n", "", "load the application: Ruby ended while it loaded: signal SIGKILL"},
		"is no Ruby": {"", cat, "start Ruby: " + cat + " ended before it said its version"},
		"is nothing": {"", "/nowhere/ruby", "start Ruby: fork/exec /nowhere/ruby: no such file or directory"},
		"execs":      {"exec 'sleep', '10000'\n", "", "load the application: it replaced Ruby by another program (exec)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := test.program
			if program == "" {
				program = realRuby(t)
			}
			_, err := Run(t.Context(), Config{App: appOf(t, test.app), Ruby: program, BootTimeout: patience})
			if err == nil || !strings.HasPrefix(err.Error(), test.says) || hint.Of(err) == "" {
				t.Errorf("%v, %q; want %q", err, hint.Of(err), test.says)
			}
		})
	}
}

// TestRunThatIsEnded: nothing of the Ruby is left when whoever asked does not want to know any more, though it hears of
// no signal but KILL.
func TestRunThatIsEnded(t *testing.T) {
	t.Parallel()
	app := appOf(t, "trap(:TERM) {}\nFile.write('pid.new', $$.to_s); File.rename('pid.new', 'pid')\nloop { sleep }\n")
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	pids := make(chan int, 1)
	go func() {
		for ; ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
			if text, err := os.ReadFile(filepath.Join(app.Root, "pid")); err == nil {
				pid, _ := strconv.Atoi(string(text))
				pids <- pid
				cancel(enough)
			}
		}
	}()
	if _, err := Run(ctx, Config{App: app, Ruby: realRuby(t), BootTimeout: patience}); !errors.Is(err, enough) {
		t.Fatalf("%v", err)
	}
	if err := syscall.Kill(<-pids, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("it is still there: %v", err)
	}
}
