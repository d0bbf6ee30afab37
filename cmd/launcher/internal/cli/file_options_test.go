//go:build linux

package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"launcher/cmd/launcher/internal/settings"
)

// rootWith makes an application's folder with a file of options.
func rootWith(t *testing.T, text string) string {
	t.Helper()
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "config"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, settingsFile), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return root
}

// TestOrderOfSources: an option is the command line's, else the environment's, else the file's, of which a list is taken as a whole.
func TestOrderOfSources(t *testing.T) {
	t.Parallel()
	root := rootWith(t, "workers: 3\nhttp: [127.0.0.1:1, 127.0.0.1:2]\ndrain-timeout: 10s\nkeep-sockets: true\nsocket-dir: run\nurl-prefix:\nmax-requests: 500\nlog-file: -x.log\n")
	common := " --socket-dir=" + root + "/run"
	for _, test := range []struct {
		words     string
		variables []string
		want      string
	}{
		{"", nil, "run --root=R --http=127.0.0.1:1 --http=127.0.0.1:2 --drain-timeout=10s --keep-sockets=true" + common + " --url-prefix= --max-requests=500 --log-file=R/-x.log --"},
		{"2 --http :9", nil, "run --root=R --http=:9 --drain-timeout=10s --keep-sockets=true" + common + " --url-prefix= --max-requests=500 --log-file=R/-x.log -- 2"},
		{"--keep-sockets=false --max-requests 1", []string{"LAUNCHER_HTTP=:8", "LAUNCHER_DRAIN_TIMEOUT=1s", "LAUNCHER_MAX_REQUESTS=2", "LAUNCHER_SOCKET_DIR=/x", "LAUNCHER_LOG_FILE=/y", "RAILS_RELATIVE_URL_ROOT=/z"},
			"run --root=R --keep-sockets=false --max-requests=1 --socket-dir=/x --url-prefix=/z --http=:8 --drain-timeout=1s --log-file=/y --"},
		{"", []string{"PORT=3000"}, "run --root=R --drain-timeout=10s --keep-sockets=true" + common + " --url-prefix= --max-requests=500 --log-file=R/-x.log --http=:3000 --"},
		{"--config none", nil, "run --root=R --config=none --"},
		{"", []string{"LAUNCHER_CONFIG=none"}, "run --root=R --config=none --"},
		{"status", nil, "status --root=R" + common + " --"},
		{"restart --socket-dir /x", nil, "restart --root=R --socket-dir=/x --"},
		{"scale +1", nil, "scale --root=R" + common + " -- +1"},
		{"config 4", nil, "config --root=R" + common + " --url-prefix= -- 4"},
		{"doctor", nil, "doctor --root=R --url-prefix= --"},
		{"experiment", nil, "experiment --root=R --"},
		{"config show", nil, "config show --root=R --http=127.0.0.1:1 --http=127.0.0.1:2 --drain-timeout=10s --keep-sockets=true" + common + " --url-prefix= --max-requests=500 --log-file=R/-x.log --"},
	} {
		line, err := read(t, "--root "+root+" "+test.words, test.variables...)
		if got := strings.Join(line.words(), " "); err != nil || got != "launcher "+strings.ReplaceAll(test.want, "R", root) && !sameOptions(got, "launcher "+strings.ReplaceAll(strings.ReplaceAll(test.want, "R/", root+"/"), "=R", "="+root)) {
			t.Errorf("%q launcher %s:\n%q, %v, want\n%q", test.variables, test.words, got, err, test.want)
		}
	}
}

// TestEnvironmentOfRails goes before the file's, as WEB_CONCURRENCY before its workers: RAILS_ENV=test is not to reach the site's data.
func TestEnvironmentOfRails(t *testing.T) {
	t.Parallel()
	root := rootWith(t, "environment: staging\n")
	for _, test := range []struct {
		words     string
		variables []string
		want      string
	}{
		{"4", nil, "staging"},
		{"4", []string{"RAILS_ENV=", "RACK_ENV="}, "staging"},
		{"4", []string{"RAILS_ENV=test"}, ""}, // which is read by who asks for it
		{"doctor", []string{"RACK_ENV=test"}, ""},
		{"4", []string{"RAILS_ENV=test", "LAUNCHER_ENVIRONMENT=qa"}, "qa"},
		{"4 -e live", []string{"RAILS_ENV=test", "LAUNCHER_ENVIRONMENT=qa"}, "live"},
	} {
		line, err := read(t, "--root "+root+" "+test.words, test.variables...)
		if got := line.said(optEnvironment); err != nil || got != test.want {
			t.Errorf("%+v: %q, %v", test, got, err)
		}
	}
}

// TestUnitHasTheEnvironmentOfThisShell, where the file says another one.
func TestUnitHasTheEnvironmentOfThisShell(t *testing.T) {
	t.Setenv("RACK_ENV", "")
	root := rootWith(t, "environment: staging\n")
	if err := os.WriteFile(filepath.Join(root, "config.ru"), []byte("run ->(_env) { [200, {}, []] }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for environment, want := range map[string]string{"": "--keep-sockets 2", "production": "--keep-sockets --environment production 2"} {
		t.Setenv("RAILS_ENV", environment)
		if unit := printed(t, "systemd", "--root", root, "--name", "shop", "--user", "www-data", "2"); !strings.Contains(unit, want+"\n") {
			t.Errorf("%q: no %q in\n%s", environment, want, unit)
		}
	}
}

// sameOptions says whether two command lines differ in the order of options alone.
func sameOptions(a, b string) bool {
	one, other := strings.Fields(a), strings.Fields(b)
	slices.Sort(one)
	slices.Sort(other)
	return slices.Equal(one, other)
}

// TestWorkersOfTheFile hold where neither NUM nor WEB_CONCURRENCY is there.
func TestWorkersOfTheFile(t *testing.T) {
	root := rootWith(t, "workers: 3\n")
	for _, test := range []struct{ words, concurrency, want string }{
		{"config show", "", "3"}, {"config show 5", "", "5"}, {"config show", "7", "7"}, {"config show 5", "7", "5"}, {"config show --config none", "", "(none)"},
	} {
		t.Setenv(webConcurrency, test.concurrency)
		if got := shownHere(t, "--root "+root+" "+test.words).option(workersSetting).text[0]; got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}

// TestMistakesInTheFile: each is refused with its place, and what may have been meant.
func TestMistakesInTheFile(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"wokers: 4":                      "1:1: there is no option wokers; did you mean workers? | workers: …",
		"socket_dir: x":                  "1:1: there is no option socket_dir; did you mean socket-dir? | socket-dir: …",
		"--http: x":                      "1:1: there is no option --http; did you mean http? | http: …",
		"LAUNCHER_HTTP: x":               "1:1: there is no option LAUNCHER_HTTP; did you mean http? | http: …",
		"worker_processes: 4":            "1:1: there is no option worker_processes; did you mean workers? | workers: …",
		"frobnicate: 4":                  "1:1: there is no option frobnicate | launcher help lists them",
		"e: production":                  "1:1: there is no option e; did you mean environment? | environment: …",
		"server: nginx":                  "1:1: server is no option of launcher NUM, whose options the file has, but of launcher config | leave it out",
		"config: x":                      "1:1: config: a file names no other | leave it out",
		"production:\n  workers: 4":      "1:1: there is no option production, and there are no sections: an option holds wherever the file is read | write the options at the left margin; for another environment name another file, as in --config config/launcher.staging.yml",
		"workers: 0":                     "1:10: workers is from 1 to 1024, not 0 | workers: 4",
		"workers: four":                  `1:10: workers: a number is wanted, or auto, not the text "four" | workers: 4`,
		"workers: '4'":                   `1:10: workers: a number is wanted, or auto, not the text "4" | workers: 4`,
		"workers: [4]":                   "1:1: workers: a number is wanted, or auto, not a list | workers: 4",
		"workers:":                       "1:9: workers: a number is wanted, or auto, not nothing | workers: 4",
		"workers: 0x10":                  `1:10: workers is a number of workers, not "0x10" | workers: 4`,
		"min: 0x10":                      `1:6: min: "0x10" is not a whole number | min: 1`,
		"min: many":                      `1:6: min: a number is wanted, not the text "many" | min: 1`,
		"max-requests: -1":               `1:15: max-requests: "-1" is below 0 | max-requests: 500`,
		"drain-timeout: 30":              `1:16: drain-timeout: "30" has no unit: ms, s, m or h | drain-timeout: 30s`,
		"drain-timeout: true":            "1:16: drain-timeout: a time such as 500ms, 90s or 5m is wanted, not true | drain-timeout: 30s",
		"drain-timeout: -1s":             "1:16: drain-timeout: -1s is not a time to wait | drain-timeout: 30s",
		"keep-sockets: yes":              `1:15: keep-sockets: true or false is wanted, not the text "yes" | keep-sockets: true`,
		"keep-sockets: 1":                "1:15: keep-sockets: true or false is wanted, not 1 | keep-sockets: true",
		"log-file: true":                 "1:11: log-file: a text is wanted, not true | log-file: FILE",
		"log-file:":                      "1:10: log-file has no value | leave it out, or log-file: FILE",
		"log-file: ''":                   "1:11: log-file: its value is empty | leave it out, or log-file: FILE",
		"log-file: [a, b]":               "1:12: log-file has one value, and no list of them | log-file: a,b",
		"log-file: {a: b}":               "1:11: log-file: a value is wanted, not names with values of their own | log-file: FILE",
		"http: []":                       "1:1: http: the list is empty | leave it out, or name something",
		"http: [a, ~]":                   "1:11: http has no value | leave it out, or http: ADDRESS",
		"root: /x":                       "1:1: root: this file was found by the root | leave it out, or have the file elsewhere and name it with --config",
		"workers: 4\nworkers: 5":         "2:1: workers is there twice, first in line 1 | leave one of them out",
		"# c\nworkers: 4\n\nspar: 1 # d": "4:1: there is no option spar; did you mean spare? | spare: …",
	} {
		root := rootWith(t, text)
		line, err := read(t, "--root "+root)
		var usage usageError
		var problems settings.Problems
		if !errors.As(err, &usage) || !errors.As(err, &problems) {
			t.Errorf("%q: %v", text, err)
			continue
		}
		found := line.mistakes(err)
		got := strings.TrimPrefix(found[0].text, "read options: "+root+"/config/launcher.yml:") + " | " + found[0].try
		if got != want || len(found) != 1 || strings.Count(found[0].excerpt, "\n") != 2 {
			t.Errorf("%q:\n%s\nwant\n%s\n(%d)", text, got, want, len(found))
		}
	}
}

// TestVerbsReadWhatTheyNeed: a mistake elsewhere in the file keeps nobody from asking a running launcher.
func TestVerbsReadWhatTheyNeed(t *testing.T) {
	t.Parallel()
	root := rootWith(t, "wokers: 4\nworkers: many\ndrain-timeout: 30\nsocket-dir: run\n")
	for _, verb := range []string{"status", "restart", "reopen", "scale 4", "stop", "kill 0", "refork", "events"} {
		line, err := read(t, "--root "+root+" "+verb)
		if got := line.said(optSocketDir); err != nil || got != root+"/run" {
			t.Errorf("%s: %q, %v", verb, got, err)
		}
	}
	for _, command := range []string{"4", "config 4", "doctor", "systemd 4", "config show"} {
		if _, err := read(t, "--root "+root+" "+command); err == nil {
			t.Errorf("%s: the mistakes are accepted", command)
		}
	}
	for text, want := range map[string]string{
		"spare: 1\nspare: 0\nsocket-dir: run\n":                          "run",
		"log-level: <%= 1 %>\nhttp: &a x\nmin: [[1]]\nsocket-dir: run\n": "run",
		"production: {socket-dir: x}\nsocket-dir: run\n":                 "run",
		"socket-dir: run\nsocket-dir: run\n":                             "", // which of them is not known
		"&a socket-dir: run\n":                                           "",
		"socket-dir: &a run\n":                                           "",
		"a: [":                                                           "", // what is no YAML may name it anywhere
		"- socket-dir: run\n":                                            "",
	} {
		root := rootWith(t, text)
		line, err := read(t, "status --root "+root)
		if got := strings.TrimPrefix(line.said(optSocketDir), root+"/"); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
		if _, err := read(t, "4 --root "+root); err == nil {
			t.Errorf("%q: a start accepts it", text)
		}
	}
	root = rootWith(t, "a: [")
	if _, err := read(t, "status --root "+root+" --socket-dir /x"); err != nil {
		t.Errorf("nothing was to be read: %v", err)
	}
}

// TestNamedFile may be anywhere, has to be there, and may say where the application is.
func TestNamedFile(t *testing.T) {
	t.Parallel()
	root := rootWith(t, "root: ../shop\nsocket-dir: run\nhttp: [\"unix:tmp/a,127.0.0.1:3\", unix:/b]\ntls-cert: c.pem\naccess-log: \"-\"\nruby: bin/ruby\nrackup: x.ru\n")
	file := filepath.Join(root, settingsFile)
	line, err := read(t, "--config "+file+" 4")
	want := fmt.Sprintf("launcher run --config=%[2]s --root=%[1]s/shop --socket-dir=%[1]s/shop/run --http=unix:%[1]s/shop/tmp/a,127.0.0.1:3 --http=unix:/b --tls-cert=%[1]s/shop/c.pem "+
		"--access-log=- --ruby=%[1]s/shop/bin/ruby --rackup=x.ru -- 4", root, file)
	if got := strings.Join(line.words(), " "); err != nil || got != want {
		t.Errorf("%s, %v, want\n%s", got, err, want)
	}
	if line, err = read(t, "status", "LAUNCHER_CONFIG="+file); err != nil || line.said(optSocketDir) != root+"/shop/run" {
		t.Errorf("%v, %v", line.options, err)
	}
	if line, err = read(t, "status --root /y", "LAUNCHER_CONFIG="+file); err != nil || line.said(optSocketDir) != "/y/run" || line.said(optRoot) != "/y" {
		t.Errorf("%v, %v", line.options, err)
	}
	var usage usageError
	if _, err = read(t, "4 --config "+root+"/nothing.yml"); !errors.As(err, &usage) || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("%v", err)
	}
	if line, err = read(t, "4 --root "+t.TempDir()); err != nil || line.file != nil || line.filename == "" {
		t.Errorf("%+v, %v", line, err)
	}
}

// ownFolder makes a folder that nobody else changes: for root one that is not below /tmp.
func ownFolder(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp("/run", "launcher-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// TestRightsAreRootsAlone: what anybody else may change names nobody whose rights an application gets from root.
func TestRightsAreRootsAlone(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		line, err := read(t, "--root "+rootWith(t, "user: nobody\n"))
		if err != nil || line.said(optUser) != "nobody" {
			t.Errorf("%v, %v", line.options, err)
		}
		return // root is not who asks
	}
	dir := ownFolder(t)
	file := filepath.Join(dir, "launcher.yml")
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(file, []byte("user: nobody\n"), 0o644)); err != nil {
		t.Fatal(err)
	}
	try := func() error {
		_, err := read(t, "--config "+file)
		return err
	}
	others := rootWith(t, "log-file: /etc/profile.d/x.sh\n") // below a folder that anybody may write to
	if _, err := read(t, "--root "+others+" --user nobody"); err == nil || !strings.Contains(err.Error(), "log-file: as root") {
		t.Errorf("a file of root's in a place of others: %v", err)
	}
	if _, err := read(t, "--root "+others+" --allow-root"); err != nil {
		t.Errorf("the application is root's: %v", err)
	}
	if err := try(); err != nil {
		t.Errorf("of a file that is root's alone: %v", err)
	}
	link := filepath.Join(t.TempDir(), "launcher.yml") // anybody may write to a folder above
	for what, change := range map[string]func() error{
		"its group may write":        func() error { return os.Chmod(file, 0o664) },
		"it is another user's":       func() error { return errors.Join(os.Chmod(file, 0o644), os.Chown(file, 65534, 0)) },
		"another has its folder":     func() error { return errors.Join(os.Chown(file, 0, 0), os.Chown(dir, 65534, 0)) },
		"a link of another leads it": func() error { return os.Symlink(file, link) },
		"one leads to its folder":    func() error { return os.Symlink(dir, link+".d") },
	} {
		if err := errors.Join(os.Chown(dir, 0, 0), os.Chown(file, 0, 0), os.Chmod(file, 0o644), change()); err != nil {
			t.Fatal(err)
		}
		at := file
		switch what {
		case "a link of another leads it":
			at = link
		case "one leads to its folder": // and may lead elsewhere when the file is read
			at = link + ".d/launcher.yml"
		}
		_, err := read(t, "--config "+at)
		if err == nil || !strings.Contains(err.Error(), "user: as root that is taken only from a file that nobody else may change") {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := read(t, "--user daemon --config "+file); err != nil {
			t.Errorf("%s, and the command line says who: %v", what, err)
		}
	}
	if err := errors.Join(os.Chown(dir, 0, 0), os.Chown(file, 0, 0), os.Chmod(file, 0o644), os.Symlink("launcher.yml", filepath.Join(dir, "a")),
		os.Symlink(".", filepath.Join(dir, "d")), os.Symlink("b", filepath.Join(dir, "b")), os.Symlink("/etc/passwd/x", filepath.Join(dir, "c"))); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{"launcher.yml": true, "a": true, "d/../" + filepath.Base(dir) + "/d/a": true, "b": false, "c": false, "d": false, "missing": false} {
		if got := onlyRootChanges(dir + "/" + path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}
