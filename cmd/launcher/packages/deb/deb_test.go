package deb

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// run returns what a command prints, which has to succeed.
func run(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Fatalf("%s is missing (install it: make test-deps)", name)
	}
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v:\n%s", cmd, err, output)
	}
	return string(output)
}

// build makes the package of a version for this machine.
func build(t *testing.T, folder, version string) (path string) {
	t.Helper()
	lines := strings.Fields(run(t, []string{"VERSION=" + version}, "./build", folder, runtime.GOARCH))
	return lines[len(lines)-1]
}

// inPackage are the files that it has, with their modes.
const inPackage = `
-rw-r--r-- root/root ./etc/default/launcher
-rwxr-xr-x root/root ./usr/bin/launcher
-rw-r--r-- root/root ./usr/lib/systemd/system/launcher@.service
-rw-r--r-- root/root ./usr/share/bash-completion/completions/launcher
-rw-r--r-- root/root ./usr/share/doc/launcher/changelog.Debian.gz
-rw-r--r-- root/root ./usr/share/doc/launcher/changelog.gz
-rw-r--r-- root/root ./usr/share/doc/launcher/copyright
-rw-r--r-- root/root ./usr/share/doc/launcher/examples/shop.conf
-rw-r--r-- root/root ./usr/share/doc/launcher/licenses.gz
-rw-r--r-- root/root ./usr/share/fish/vendor_completions.d/launcher.fish
-rw-r--r-- root/root ./usr/share/lintian/overrides/launcher
-rw-r--r-- root/root ./usr/share/man/man1/launcher.1.gz
-rw-r--r-- root/root ./usr/share/zsh/vendor-completions/_launcher
`

// override is a tag of lintian's that is meant, with the file that it is about.
var override = regexp.MustCompile(`(?m)^# \S.*\nlauncher: (\S+) \[`)

// TestPackage: what is in it, what lintian and systemd say of it, and that it does on this machine what a package is for: it is installed,
// runs an application as a service of a real systemd, is upgraded under load, removed and purged.
func TestPackage(t *testing.T) {
	folder := t.TempDir()
	older, newer := build(t, folder, "v1.0.0"), build(t, folder, "v2.0.0")
	var files []string
	for line := range strings.Lines(run(t, nil, "dpkg-deb", "--contents", newer)) {
		if words := strings.Fields(line); words[0][0] != 'd' {
			files = append(files, words[0]+" "+words[1]+" "+words[len(words)-1])
		} else if words[0] != "drwxr-xr-x" || words[1] != "root/root" {
			t.Error(line)
		}
	}
	slices.SortFunc(files, func(a, b string) int { return strings.Compare(a[11:], b[11:]) })
	if got := "\n" + strings.Join(files, "\n") + "\n"; got != inPackage {
		t.Errorf("it has%s", got)
	}
	for field, want := range map[string]string{"Version": "2.0.0-1", "Architecture": runtime.GOARCH, "Recommends": "ruby (>= 1:2.7)", "Depends": "", "Section": "web"} {
		if got := strings.TrimSpace(run(t, nil, "dpkg-deb", "--field", newer, field)); got != want {
			t.Errorf("%s: %q", field, got)
		}
	}
	unpacked := filepath.Join(folder, "unpacked")
	run(t, nil, "dpkg-deb", "--raw-extract", newer, unpacked)
	if got := run(t, nil, "cat", filepath.Join(unpacked, "DEBIAN", "conffiles")); got != "/etc/default/launcher\n" {
		t.Errorf("conffiles: %q", got)
	}
	checkUnit(t, filepath.Join(unpacked, "usr/lib/systemd/system/launcher@.service"))
	checkByLintian(t, newer)
	tryIt(t, folder, older, newer)
}

// checkByLintian: it says nothing but what is overridden, of which each has a reason and is in use.
func checkByLintian(t *testing.T, path string) {
	t.Helper()
	said := run(t, []string{"LC_ALL=C.UTF-8"}, "lintian", "--allow-root", "--fail-on=none", "--show-overrides", path)
	text, err := os.ReadFile("lintian-overrides")
	if err != nil {
		t.Fatal(err)
	}
	var tags []string
	for _, match := range override.FindAllStringSubmatch(string(text), -1) {
		tags = append(tags, match[1])
	}
	if len(tags) != strings.Count(string(text), "\nlauncher: ") {
		t.Errorf("an override has no reason:\n%s", text)
	}
	for line := range strings.Lines(said) {
		words := strings.Fields(line)
		if words[0] == "N:" {
			continue
		}
		if i := slices.Index(tags, words[2]); words[0] == "O:" && i >= 0 {
			tags = slices.Delete(tags, i, i+1)
			continue
		}
		t.Errorf("lintian: %s", line)
	}
	if len(tags) > 0 {
		t.Errorf("lintian does not say what is overridden: %v:\n%s", tags, said)
	}
}

// checkUnit: systemd has nothing to say of it, and it calls the installed program.
func checkUnit(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"ExecStart=/usr/bin/launcher", "ExecReload=/usr/bin/launcher restart", "User=%i", "EnvironmentFile=-/etc/launcher/%i.conf",
		"Environment=LAUNCHER_ROOT=/srv/%i", "Environment=LAUNCHER_SOCKET_DIR=/run/launcher/%i", "Environment=LAUNCHER_KEEP_SOCKETS=true", "Type=notify"} {
		if !strings.Contains(string(text), "\n"+line+"\n") {
			t.Errorf("the unit has no %s:\n%s", line, text)
		}
	}
	here := filepath.Join(t.TempDir(), "launcher@.service")
	if err := os.WriteFile(here, []byte(strings.ReplaceAll(string(text), "/usr/bin/launcher", "/bin/true")), 0o600); err != nil {
		t.Fatal(err)
	}
	if said := run(t, nil, "systemd-analyze", "verify", "--man=no", here); strings.Contains(said, "launcher@") {
		t.Errorf("systemd-analyze: %s", said)
	}
}

// tryIt has a copy of this machine's system, with its systemd, do what operators do.
func tryIt(t *testing.T, folder, older, newer string) {
	t.Helper()
	for _, name := range []string{"try", "visitors.rb"} {
		run(t, nil, "cp", name, folder)
	}
	args := []string{"./in-root", "--boot", "/", folder, "try", "/mnt/" + filepath.Base(older), "/mnt/" + filepath.Base(newer)}
	if os.Geteuid() != 0 {
		args = append([]string{"sudo", "-n"}, args...)
	}
	if said := run(t, nil, args[0], args[1:]...); !strings.HasSuffix(said, "try: done\n") {
		t.Errorf("it ended early:\n%s", said)
	}
}

// TestVersions: Debian sorts them as they came to be.
func TestVersions(t *testing.T) {
	t.Parallel()
	versions := []struct{ described, count, want string }{
		{"", "0", "0.9.0~dev+0"},
		{"abcdef0", "520", "0.9.0~dev+520.gabcdef0"},
		{"1234567-dirty", "1521", "0.9.0~dev+1521.g1234567.dirty"},
		{"v0.9.0-rc1", "1530", "0.9.0~rc1"},
		{"v0.9.0", "1540", "0.9.0"},
		{"v0.9.0-3-gabcdef0", "1543", "0.9.0+3.gabcdef0"},
		{"v0.9.0-10-g1234567-dirty", "1550", "0.9.0+10.g1234567.dirty"},
		{"0.9.1", "1560", "0.9.1"},
	}
	before := "0"
	for _, version := range versions {
		got := strings.TrimSpace(run(t, nil, "./version", version.described, "0.9.0-dev", version.count))
		if got != version.want {
			t.Errorf("%q: %s", version.described, got)
		}
		run(t, nil, "dpkg", "--compare-versions", before, "lt", got)
		before = got
	}
}
