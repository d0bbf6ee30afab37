package scripts

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestOrderPutsNeedsFirst(t *testing.T) {
	order := &order{seen: map[string]bool{}}
	if err := order.add("main.rb"); err != nil {
		t.Fatal(err)
	}
	if last := order.names[len(order.names)-1]; last != "main.rb" {
		t.Errorf("last is %s, want main.rb", last)
	}
	if slices.Index(order.names, "worker.rb") > slices.Index(order.names, "preloader.rb") {
		t.Errorf("the preloader comes before the worker that it needs: %v", order.names)
	}
}

// TestEveryFileIsUsed fails for a file that is embedded and never evaluated.
func TestEveryFileIsUsed(t *testing.T) {
	order := &order{seen: map[string]bool{"boot.rb": true}}
	if err := order.add("main.rb"); err != nil {
		t.Fatal(err)
	}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !order.seen[name] {
			t.Errorf("%s is embedded but main.rb does not need it", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestRubyReadsTheProgram has Ruby load a program whose main.rb is never reached:
// settings of any bytes arrive, every file is evaluated under its own name and
// with its own line numbers, and no gem was activated on the way.
func TestRubyReadsTheProgram(t *testing.T) {
	nasty := "/srv/a b\n\"quoted\" \xff setting x 3\n__END__"
	program, err := Program(map[string]string{"root": nasty, "generation": "7"})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(program), "\nPreforkLauncher.main(PreforkLauncher::SETTINGS)\n", `
print PreforkLauncher::SETTINGS["root"].b, "|", Gem.loaded_specs.keys.sort.join(","), "|"
print PreforkLauncher::Worker.instance_method(:run).source_location.join(":")
`, 1)
	path := filepath.Join(t.TempDir(), "program.rb")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	hello, err := os.Create(filepath.Join(t.TempDir(), "hello"))
	if err != nil {
		t.Fatal(err)
	}
	defer hello.Close()
	cmd := exec.Command("ruby", "--disable=did_you_mean,error_highlight,syntax_suggest", path)
	cmd.ExtraFiles = []*os.File{hello, hello}
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ruby (install it: make deps): %v", err)
	}
	source, err := os.ReadFile("worker.rb")
	if err != nil {
		t.Fatal(err)
	}
	before, _, _ := strings.Cut(string(source), "    def run\n")
	line := strings.Count(before, "\n") + 1
	want := nasty + "||launcher/worker.rb:" + strconv.Itoa(line)
	if got := string(out); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
