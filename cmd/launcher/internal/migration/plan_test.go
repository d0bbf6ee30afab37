package migration

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"launcher/cmd/launcher/internal/settings"
)

var update = flag.Bool("update", false, "write what is expected, and the tables of MIGRATING.md, anew")

func realRuby(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("ruby")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// planOf reads a file of testdata as an application in /srv/shop has it; the command finds no such folder, and needs none.
func planOf(t *testing.T, file, environment string) *Plan {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	server, _ := strings.CutSuffix(filepath.Base(file), ".source")
	return planFor(t, string(source), "config/"+server[strings.LastIndex(server, ".")+1:]+".rb", environment)
}

func planFor(t *testing.T, source, file, environment string) *Plan {
	t.Helper()
	root := t.TempDir()
	path := filepath.Join(root, file)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	plans := Plans(t.Context(), realRuby(t), root, environment)
	if len(plans) != 1 {
		t.Fatalf("%d plans", len(plans))
	}
	return plans[0]
}

// TestFilesOfOthers reads files as applications have them. What is expected is beside them.
func TestFilesOfOthers(t *testing.T) {
	t.Parallel()
	sources, err := filepath.Glob("testdata/*.source")
	if err != nil || len(sources) < 8 {
		t.Fatalf("%q, %v", sources, err)
	}
	for _, source := range sources {
		t.Run(filepath.Base(source), func(t *testing.T) {
			t.Parallel()
			plan := planOf(t, source, "production")
			root := plan.root
			got := strings.ReplaceAll(plan.Text(), root, "/srv/shop")
			golden := strings.TrimSuffix(source, ".source") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil || got != string(want) {
				t.Errorf("%v\n%s\nwant\n%s", err, got, want)
			}
			file, err := settings.Parse("launcher.yml", []byte(plan.YAML()))
			if err != nil {
				t.Fatalf("%v in\n%s", err, plan.YAML())
			}
			for _, setting := range plan.Settings {
				in, is := file.Find(setting.Name)
				switch {
				case setting.If != "" || setting.Name == "root":
				case !is || len(in.Values) != len(setting.Values):
					t.Errorf("%+v is not in\n%s", setting, plan.YAML())
				default:
					for i, value := range in.Values {
						if value.Text != setting.Values[i] {
							t.Errorf("%s: %q, want %q", setting.Name, value.Text, setting.Values[i])
						}
					}
				}
			}
		})
	}
}

// TestNothingIsRun: what a file does on its way to its settings does not happen.
func TestNothingIsRun(t *testing.T) {
	t.Parallel()
	trace := filepath.Join(t.TempDir(), "trace")
	plan := planFor(t, `
File.write("`+trace+`", "1")
system("touch `+trace+`")
%x(touch `+trace+`)
require "`+trace+`"
BEGIN { File.write("`+trace+`", "2") }
at_exit { File.write("`+trace+`", "3") }
workers(begin; File.write("`+trace+`", "4"); 3; end)
threads(*[File.write("`+trace+`", "5")])
port "#{File.write("`+trace+`", "6")}"
eval("File.write('`+trace+`', '7')")
class Puma; File.write("`+trace+`", "8"); end
sleep 1000
exit! 3
def workers(*) File.write("`+trace+`", "9") end
__END__
workers 9
`, "config/puma.rb", "production")
	if _, err := os.Stat(trace); err == nil {
		text, _ := os.ReadFile(trace)
		t.Errorf("something was run: %s", text)
	}
	if plan.Error != "" || len(plan.Settings) != 0 || len(plan.Unread) < 3 {
		t.Errorf("%+v", plan)
	}
}

// TestWhatIsNoFile of another server's is said, and not waited for.
func TestWhatIsNoFile(t *testing.T) {
	t.Parallel()
	for want, put := range map[string]func(path string) error{
		"is a pipe":               func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"is made by the kernel":   func(path string) error { return os.Symlink("/proc/kmsg", path) },
		"is a device":             func(path string) error { return os.Symlink("/dev/zero", path) },
		"has more than 262144 by": func(path string) error { return os.WriteFile(path, make([]byte, 300_000), 0o600) },
	} {
		root := t.TempDir()
		if err := errors.Join(os.Mkdir(filepath.Join(root, "config"), 0o755), put(filepath.Join(root, "config/puma.rb"))); err != nil {
			t.Fatal(err)
		}
		plans := Plans(t.Context(), "ruby", root, "production")
		if len(plans) != 1 || !strings.Contains(plans[0].Error, want) {
			t.Errorf("%s: %+v", want, plans)
		}
	}
}

// TestWhatCannotBeRead is said, and stops nothing.
func TestWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"workers (":                           "no Ruby",
		"workers 1 +\xff\n":                   "",
		strings.Repeat("workers 1\n", 30_000): "has more than 262144 bytes",
		strings.Repeat("(", 5_000) + "1" + strings.Repeat(")", 5_000):         "",
		"workers " + strings.Repeat("[", 3_000):                               "no Ruby",
		"workers 'a' * 10**9":                                                 "",
		"x = 'ab'\n" + strings.Repeat("x = x + x\n", 60) + "port x":           "",
		"x = 'ab'\n" + strings.Repeat("x = \"#{x}#{x}\"\n", 60) + "port x":    "",
		"x = 77\n" + strings.Repeat("x = x * x\n", 60) + "port x":             "",
		"x = [7]\n" + strings.Repeat("x = [x, x]\n", 60) + "port x":           "",
		"x = [7]\n" + strings.Repeat("x = x + x\n", 60) + "port x":            "",
		"x = {}\n" + strings.Repeat("x = {a: x, b: x}\n", 60) + "port x":      "",
		"x = 'ab'\n" + strings.Repeat("x = File.join(x, x)\n", 60) + "port x": "",
		"workers 9999999999 ** 99999999\nworkers 2 ** (2 ** 99)":              "",
		"\x00workers 1":      "",
		"__END__\nworkers 2": "",
		"":                   "",
	} {
		plan := planFor(t, source, "config/puma.rb", "production")
		if plan.Error == "" && want != "" || !strings.Contains(plan.Error, want) && want != "" {
			t.Errorf("%.40q: %q, want %q", source, plan.Error, want)
		}
		if len(plan.Settings) > 0 {
			t.Errorf("%.40q: %+v", source, plan.Settings)
		}
		if strings.HasSuffix(source, "port x") && (plan.Error != "" || len(plan.Remarks) != 1) { // what grows is given up
			t.Errorf("%.40q: %q, %+v", source, plan.Error, plan.Remarks)
		}
	}
}

// TestValuesAreThoseOfTheServer: as it reads them itself, and as the file of options takes them.
func TestValuesAreThoseOfTheServer(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"bind 'unix:///run/a.sock?umask=0117'":       "socket-mode: 0660\n",
		"bind 'unix:///run/a.sock?umask=79'":         "socket-mode: 0660\n", // Puma takes it for decimal
		"bind 'unix:///run/a.sock?mode=660'":         "socket-mode: 0660\n",
		"bind 'unix:///run/a.sock?umask=0&mode=600'": "socket-mode: 0600\n", // which is set last
		"# f\xfcr\nport 80 # f\xfcr alle\n":          "http: \"0.0.0.0:80\"\n",
		"environment 'null'":                         "environment: \"null\"\n",
		"rackup 'True'":                              "rackup: \"True\"\n",
		"pidfile '~'":                                "pid-file: \"~\"\n",
	} {
		plan := planFor(t, source, "config/puma.rb", "production")
		if yaml := plan.YAML(); plan.Error != "" || !strings.HasSuffix(yaml, "\n"+want) {
			t.Errorf("%s: %s, %s", source, plan.Error, yaml)
		}
	}
}

// TestFileOfTheEnvironment is the one that Puma reads, where there is one.
func TestFileOfTheEnvironment(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for file, port := range map[string]string{"config/puma.rb": "80", "config/puma/staging.rb": "81"} {
		path := filepath.Join(root, file)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte("port "+port), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for environment, want := range map[string]string{"staging": "config/puma/staging.rb: launcher --http 0.0.0.0:81 auto", "production": "config/puma.rb: launcher --http 0.0.0.0:80 auto"} {
		plans := Plans(t.Context(), realRuby(t), root, environment)
		if len(plans) != 1 || plans[0].File+": "+plans[0].Command() != want {
			t.Errorf("%s: %d plans, %+v", environment, len(plans), plans)
		}
	}
}

// TestSocketsThatAreNoPathsHere: a home folder is who starts the server's, and an abstract socket has no file.
func TestSocketsThatAreNoPathsHere(t *testing.T) {
	t.Parallel()
	for source, file := range map[string]string{"listen '~/shop.sock'": "config/unicorn.rb", "bind 'unix://@shop'": "config/puma.rb", "bind 'unix://~/shop.sock'": "config/puma.rb"} {
		if plan := planFor(t, source, file, "production"); len(plan.Settings) != 0 || len(plan.Remarks) != 1 || !strings.Contains(plan.Remarks[0].Text, "could not be read: "+source) {
			t.Errorf("%s: %+v", source, plan)
		}
	}
}

// TestWebConcurrencyCountsNoThreads: two processes of Puma with five threads become ten workers, but for a variable that says two.
func TestWebConcurrencyCountsNoThreads(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]bool{
		"threads 5, 5\nworkers ENV.fetch('WEB_CONCURRENCY', 2)":                            true,
		"workers ENV['WEB_CONCURRENCY'] || Concurrent.physical_processor_count\nthreads 3": true,
		"threads 1, 1\nworkers ENV.fetch('WEB_CONCURRENCY', 2)":                            false,
		"threads 5, 5\nworkers 2": false,
	} {
		plan := planFor(t, source, "config/puma.rb", "production")
		if said := strings.Contains(plan.Text(), "WEB_CONCURRENCY goes before this"); said != want {
			t.Errorf("%q: %s", source, plan.Text())
		}
	}
}

// TestEnvironmentsDiffer where a file asks which one it is.
func TestEnvironmentsDiffer(t *testing.T) {
	t.Parallel()
	for environment, want := range map[string]string{"production": "workers: auto", "development": "workers: auto\n"} {
		yaml := planOf(t, "testdata/rails-7.1.puma.source", environment).YAML()
		if !strings.Contains(yaml, want) || strings.Contains(yaml, "each CPU") != (environment == "production") {
			t.Errorf("%s: %s", environment, yaml)
		}
	}
	source := "workers(if Rails.env.production? then 4 else 1 end)\ncase ENV['RACK_ENV']\nwhen 'staging', 'test' then tag 'x'\nwhen 'production'\n  port 80\nelse\n  port 81\nend\nport 82 unless ENV.fetch('RAILS_ENV') == 'production'\n"
	for environment, want := range map[string]string{"production": "launcher --http 0.0.0.0:80 4", "test": "launcher --http 0.0.0.0:82 1", "development": "launcher --http 0.0.0.0:81 --http 0.0.0.0:82 1"} {
		if got := planFor(t, source, "config/puma.rb", environment).Command(); got != want {
			t.Errorf("%s: %s, want %s", environment, got, want)
		}
	}
}
