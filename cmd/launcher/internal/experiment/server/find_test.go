//go:build linux

package server

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"launcher/cmd/launcher/internal/experiment"
	"launcher/preforker/hint"
)

func TestFind(t *testing.T) {
	for _, root := range []string{copyApp(t, "hello"), copyApp(t, "blog"), copyApp(t, "broken_missing_gem")} {
		for _, method := range []experiment.Method{experiment.Passenger, experiment.Unicorn, experiment.Puma} {
			found, err := Find(t.Context(), method, experiment.App{Root: root, Environment: "production", Ruby: "ruby"})
			if err != nil || !exists(found.Program) || !strings.Contains(found.Version, ".") || found.Bundled {
				t.Errorf("%s in %s: %+v %v", method, filepath.Base(root), found, err)
			}
		}
	}
}

// TestFindBundled has an application name the server in its own Gemfile.
func TestFindBundled(t *testing.T) {
	root := copyApp(t, "blog")
	file, err := os.OpenFile(filepath.Join(root, "Gemfile"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString("gem \"puma\"\n"); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	spec := newSpec(t, experiment.Puma, root, 2)
	found, err := Find(t.Context(), experiment.Puma, spec.App)
	if err != nil || !found.Bundled {
		t.Fatalf("%+v %v", found, err)
	}
	spec.Installed = found
	s := up(t, spec)
	if command := strings.Join(s.Command(), " "); !strings.HasPrefix(command, "bundle exec puma ") {
		t.Errorf("command %s", command)
	}
	serves(t, s, "/posts", "<h1>")
}

func TestFindNotInstalled(t *testing.T) {
	interpreter, err := exec.LookPath("ruby")
	if err != nil {
		t.Fatal(err)
	}
	nothing := shortDir(t)
	t.Setenv("PATH", nothing)
	t.Setenv("GEM_HOME", nothing)
	t.Setenv("GEM_PATH", nothing)
	for _, method := range []experiment.Method{experiment.Passenger, experiment.Unicorn, experiment.Puma} {
		for _, ruby := range []string{interpreter, "ruby"} {
			_, err := Find(t.Context(), method, experiment.App{Root: nothing, Environment: "production", Ruby: ruby})
			if err == nil || !strings.HasPrefix(err.Error(), string(method)+" is not installed: ") || !strings.Contains(hint.Of(err), "apt-get install "+string(method)) {
				t.Errorf("%s with %s: %v", method, ruby, err)
			}
		}
	}
	if found, err := Find(t.Context(), experiment.Smart, experiment.App{}); err != nil || found != (Installed{}) {
		t.Errorf("smart: %+v %v", found, err)
	}
}
