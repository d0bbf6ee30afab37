//go:build linux

package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheckTellsAllMistakes at once, each with its place, and a start the first.
func TestCheckTellsAllMistakes(t *testing.T) {
	t.Setenv("LAUNCHER_SPARE", "7")
	t.Setenv("PORT", "")
	t.Setenv(webConcurrency, "")
	root := rootWith(t, "workers: 2\nlog-level: loud\nspawn-method: fast\nhttp: 127.0.0.1\nmetrics: x\ndashboard: y\nmemory-limit: 1\n")
	if err := os.WriteFile(filepath.Join(root, "config.ru"), []byte("run ->(_env) { [200, {}, []] }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := runLine(t, "config", "check", "--root", root, "--allow-root", "--socket-mode", "9")
	if status != exitUsage || stdout != "" {
		t.Errorf("%d %s", status, stdout)
	}
	at := 0
	for _, want := range []string{"launcher.yml:2:12: log-level: ", "launcher.yml:3:15: spawn-method: ", "launcher.yml:7:15: memory-limit: ", "read --socket-mode: ",
		"read LAUNCHER_SPARE: ", "launcher.yml:4:7: http: ", "launcher.yml:5:10: metrics: ", "launcher.yml:6:12: dashboard: "} {
		if i := strings.Index(stderr, want); i < at {
			t.Errorf("%q is not behind what comes before it in\n%s", want, stderr)
		} else {
			at = i
		}
	}
	if tries := strings.Count(stderr, "\nTry: "); tries != 8 {
		t.Errorf("%d hints in\n%s", tries, stderr)
	}
	if err := os.Remove(filepath.Join(root, "config.ru")); err != nil {
		t.Fatal(err)
	}
	if status, _, stderr = runLine(t, "config", "check", "--root", root, "--allow-root"); status != exitUsage || !strings.Contains(stderr, "config.ru") || !strings.Contains(stderr, "dashboard: ") {
		t.Errorf("without an application: %d %s", status, stderr)
	}
}

// TestCheckTellsAllOfAGroup: of options that are read together each mistake is told, and of a list that of each value.
func TestCheckTellsAllOfAGroup(t *testing.T) {
	t.Setenv("PORT", "")
	t.Setenv(webConcurrency, "")
	root := rootWith(t, "")
	if err := os.WriteFile(filepath.Join(root, "config.ru"), []byte("run ->(_env) { [200, {}, []] }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		words string
		want  []string
	}{
		{"--warmup x --warmup /ok --warmup y --warmup-header z --warmup-host /h --warmup-count 0", []string{`--warmup: "x"`, `--warmup: "y"`, "--warmup-header: ", "--warmup-host: ", "--warmup-count: "}},
		{"--without a,compact,b --refork-after 1,x,0 --idle-timeout 0s --min 0 --spare 7", []string{`--without: "a"`, `--without: "b"`,
			`--refork-after: "x"`, `--refork-after: "0"`, "--idle-timeout: ", "--min: ", "--spare: "}},
		{"--max-age 1ms --request-timeout 1ms --slow-log 1ms --memory-limit 1", []string{"--max-age: ", "--request-timeout: ", "--slow-log: ", "--memory-limit: "}},
		{"--boot-timeout 0s --drain-timeout 0s", []string{"--boot-timeout: ", "--drain-timeout: "}},
		{"--queue-timeout 0s --max-body 0 --trusted-proxy x,::1,y --tls-cert /no/cert --tls-key /no/key --http a --http 127.0.0.1:1,b", []string{"--queue-timeout: ", "--max-body: ",
			`--trusted-proxy: "x"`, `--trusted-proxy: "y"`, "--tls-cert: ", "--tls-key: ", `--http: "a"`, `--http: "b"`}},
		{"--metrics x --metrics-compat a,puma,b", []string{`--metrics-compat: "a"`, `--metrics-compat: "b"`, "--metrics: "}},
		{"--dashboard x --dashboard-token /no/token", []string{"--dashboard: ", "--dashboard-token: "}},
		{"--listen 127.0.0.1:9000 --listen-allow x,::1,y", []string{`--listen-allow: "x"`, `--listen-allow: "y"`}},
		{"--url-prefix ? --listen x", []string{"--url-prefix: ", "--listen: "}},
		{"--log-level loud --log-format xml", []string{"--log-level: ", "--log-format: "}},
		{"--user no-such-user --group no-such-group", []string{"--user: ", "--group: "}},
	} {
		words := append([]string{"config", "check", "--root", root, "--allow-root"}, strings.Fields(test.words)...)
		status, stdout, stderr := runLine(t, append(words, "2")...)
		told := strings.Split(strings.TrimSuffix(stderr, "\n"), "\nTry: ")
		if status != exitUsage || stdout != "" || len(told) != len(test.want)+1 {
			t.Errorf("%s: %d %s\n%s", test.words, status, stdout, stderr)
			continue
		}
		for i, want := range test.want {
			if !strings.Contains(told[i], "launcher: read "+want) {
				t.Errorf("%s: %q is not number %d in\n%s", test.words, want, i, stderr)
			}
		}
	}
}

// TestStartTellsOneMistake of several, also of options that are read together.
func TestStartTellsOneMistake(t *testing.T) {
	t.Parallel()
	a, b, c := errors.New("a"), errors.New("b"), errors.New("c")
	fails := func(err error) func() error { return func() error { return err } }
	group := readers{fails(nil), fails(a), fails(b)}
	all := readers{group.all, fails(nil), fails(c)}.all()
	if one := (readers{fails(nil), group.all, fails(c)}).first(); one != a || firstMistake(all) != a || firstMistake(c) != c || firstMistake(nil) != nil {
		t.Errorf("%v, %v", one, all)
	}
	if all.Error() != "a (and 2 more)" || !errors.Is(all, b) || !errors.Is(all, c) {
		t.Errorf("%v", all)
	}
}

// TestPathsWithCommas: a comma is a part of a path, and whoever means several is told how they are written.
func TestPathsWithCommas(t *testing.T) {
	t.Setenv("PORT", "")
	t.Setenv(webConcurrency, "")
	for text, want := range map[string]string{
		"warmup: /, /posts":                          `launcher.yml:1:9: warmup: "/," would be one path`,
		"warmup: /,/posts":                           `launcher.yml:1:9: warmup: "/,/posts" would be one path`,
		"warmup: [/a, '/b,/c']":                      `launcher.yml:1:14: warmup: "/b,/c" would be one path`,
		"warmup: [/, /posts, '/map/1,2', '/a?b=,/']": "",
		"warmup: / /posts":                           "",
		"warmup:\n- /\n- /posts\n":                   "",
	} {
		root := rootWith(t, text)
		if err := os.WriteFile(filepath.Join(root, "config.ru"), []byte("run ->(_env) { [200, {}, []] }\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		status, stdout, stderr := runLine(t, "config", "check", "--root", root, "--allow-root", "2")
		refused := status == exitUsage && strings.Contains(stderr, want) && strings.Contains(stderr, "Try: name each by itself: warmup: [/, /posts]")
		if (want == "") != strings.Contains(stdout, "options      ok: ") || want != "" && !refused {
			t.Errorf("%q: %d %s%s", text, status, stdout, stderr)
		}
	}
	t.Setenv("LAUNCHER_WARMUP", "/, /posts")
	if status, _, stderr := runLine(t, "config", "check", "--root", rootWith(t, ""), "--allow-root", "2"); status != exitUsage || !strings.Contains(stderr, `read LAUNCHER_WARMUP: "/," would be one path`) {
		t.Errorf("%d %s", status, stderr)
	}
}
