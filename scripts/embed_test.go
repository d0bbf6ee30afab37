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
	order, err := orderFrom("main.rb")
	if err != nil {
		t.Fatal(err)
	}
	now, later := names(order.now), names(order.later)
	if last := now[len(now)-1]; last != "main.rb" {
		t.Errorf("last is %s, want main.rb", last)
	}
	if slices.Index(now, "worker.rb") > slices.Index(now, "preloader.rb") {
		t.Errorf("the preloader comes before the worker that it needs: %v", now)
	}
	if slices.Index(later, "probe.rb") > slices.Index(later, "doctor.rb") {
		t.Errorf("the doctor comes before the probe that it needs: %v", later)
	}
	for _, file := range slices.Concat(order.now, order.later) {
		if strings.Contains(string(file.text), "\nrequire_relative") {
			t.Errorf("%s requires what has no folder", file.name)
		}
	}
}

func names(files []file) (names []string) {
	for _, file := range files {
		names = append(names, file.name)
	}
	return names
}

// TestEveryFileIsUsed fails for a file that is embedded and never evaluated.
func TestEveryFileIsUsed(t *testing.T) {
	order, err := orderFrom("main.rb")
	if err != nil {
		t.Fatal(err)
	}
	used := slices.Concat([]string{"boot.rb"}, names(order.now), names(order.later))
	err = fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !slices.Contains(used, name) {
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
// with its own line numbers, those of later only then, and no gem was activated on the way. What applications may call
// is there from the start.
func TestRubyReadsTheProgram(t *testing.T) {
	nasty := "/srv/a b\n\"quoted\" \xff setting x 3\n__END__"
	program, err := Program(map[string]string{"root": nasty, "generation": "7"})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(program), "\nPreforkLauncher.main(PreforkLauncher::SETTINGS)\n", `
print PreforkLauncher::SETTINGS["root"].b, "|", Gem.loaded_specs.keys.sort.join(","), "|"
print PreforkLauncher::Worker.instance_method(:run).source_location.join(":")
print "|", PreforkLauncher.const_defined?(:Doctor), "|", PreforkLauncher.respond_to?(:unfit_for_refork!), "|"
PreforkLauncher::Later.load
print PreforkLauncher::Doctor.instance_method(:run).source_location.join(":"), "|", Gem.loaded_specs.keys.sort.join(",")
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
	want := nasty + "||" + place(t, "worker.rb") + "|false|true|" + place(t, "doctor.rb") + "|"
	if got := string(out); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// place is where a file defines run.
func place(t *testing.T, file string) string {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, _, _ := strings.Cut(string(source), "    def run\n")
	return "launcher/" + file + ":" + strconv.Itoa(strings.Count(before, "\n")+1)
}
