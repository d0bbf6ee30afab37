//go:build linux

package cli

import (
	"errors"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/urfave/cli/v2"

	"launcher/preforker"
	"launcher/preforker/hint"
)

// runContext is what the words of a command line become.
func runContext(t *testing.T, words ...string) *cli.Context {
	t.Helper()
	set := flag.NewFlagSet("launcher", flag.ContinueOnError)
	for _, option := range runFlags() {
		if err := option.Apply(set); err != nil {
			t.Fatal(err)
		}
	}
	if err := set.Parse(words); err != nil {
		t.Fatal(err)
	}
	return cli.NewContext(nil, set, nil)
}

func TestHTTPAddresses(t *testing.T) {
	t.Parallel()
	dir, err := workingDir()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		text        string
		certificate bool
		want        httpAddress
		mistake     string
	}{
		{"127.0.0.1:3000", false, httpAddress{"tcp", "127.0.0.1:3000", false}, ""},
		{":3000", true, httpAddress{"tcp", ":3000", true}, ""},
		{"[::1]:http", false, httpAddress{"tcp", "[::1]:http", false}, ""},
		{"http://0.0.0.0:80/", true, httpAddress{"tcp", "0.0.0.0:80", false}, ""},
		{"https://0.0.0.0:443", true, httpAddress{"tcp", "0.0.0.0:443", true}, ""},
		{"unix:/run/shop/http", true, httpAddress{"unix", "/run/shop/http", false}, ""},
		{"unix:log/http", false, httpAddress{"unix", filepath.Join(dir, "log/http"), false}, ""},
		{"https://0.0.0.0:443", false, httpAddress{}, "needs a certificate"},
		{"ftp://0.0.0.0:21", false, httpAddress{}, "neither http:// nor https://"},
		{"unix:", false, httpAddress{}, "names no path"},
		{"3000", false, httpAddress{}, "not an address with a port"},
		{"127.0.0.1", false, httpAddress{}, "not an address with a port"},
		{"127.0.0.1:", false, httpAddress{}, "not an address with a port"},
		{"127.0.0.1:70000", false, httpAddress{}, "not a port from 0 to 65535"},
		{"/run/shop/http", false, httpAddress{}, "not an address with a port"},
	} {
		got, err := readHTTPAddress(test.text, test.certificate)
		if test.mistake == "" && (err != nil || got != test.want) {
			t.Errorf("%s: got %+v, %v", test.text, got, err)
		}
		if test.mistake != "" && (err == nil || !strings.Contains(err.Error(), test.mistake) || hint.Of(err) == "") {
			t.Errorf("%s: got %v", test.text, err)
		}
	}
}

func TestHTTPAddressesAreLists(t *testing.T) {
	t.Parallel()
	options, err := readHTTP(runContext(t, "--http", "127.0.0.1:3000, unix:/s", "--http", "[::1]:3000"))
	if err != nil || len(options.addresses) != 3 || options.addresses[1].address != "/s" {
		t.Errorf("got %+v, %v", options, err)
	}
	if options.maxBody != 256<<20 || options.proxies != nil || options.certificate != nil || options.accessLog != "" {
		t.Errorf("got %+v", options)
	}
}

func TestHTTPAddressesDiffer(t *testing.T) {
	t.Parallel()
	if _, err := readHTTP(runContext(t, "--http", "127.0.0.1:0,127.0.0.1:0")); err != nil {
		t.Errorf("two free ports: %v", err)
	}
	_, err := readHTTP(runContext(t, "--http", "127.0.0.1:3000", "--http", "http://127.0.0.1:3000/"))
	if err == nil || !strings.Contains(err.Error(), `"http://127.0.0.1:3000/" comes twice`) || hint.Of(err) == "" {
		t.Errorf("got %v", err)
	}
}

func TestTrustedProxies(t *testing.T) {
	t.Parallel()
	parse := netip.MustParsePrefix
	for text, want := range map[string][]netip.Prefix{
		"": nil, "none": {}, "10.0.0.0/8": {parse("10.0.0.0/8")}, "10.1.2.3/8": {parse("10.0.0.0/8")}, "192.0.2.1, 2001:db8::/32": {parse("192.0.2.1/32"), parse("2001:db8::/32")},
		"::ffff:192.0.2.1": {parse("192.0.2.1/32")},
		"private":          {parse("10.0.0.0/8"), parse("172.16.0.0/12"), parse("192.168.0.0/16"), parse("fc00::/7"), parse("127.0.0.0/8"), parse("::1/128")},
	} {
		if got, err := trustedProxies([]string{text}); err != nil || !slices.Equal(got, want) || (got == nil) != (want == nil) {
			t.Errorf("%s: got %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"nobody", "10.0.0.0/33", "10.0.0", "proxy.example"} {
		if got, err := trustedProxies([]string{text}); err == nil || hint.Of(err) == "" {
			t.Errorf("%s: got %v", text, got)
		}
	}
}

// A mistake in the options of --http is one in the command line, with what to do.
func TestHTTPMistakes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	nonsense := filepath.Join(dir, "nonsense.pem")
	pipe := filepath.Join(dir, "pipe.pem")
	if err := errors.Join(os.WriteFile(nonsense, []byte("nonsense"), 0o600), syscall.Mkfifo(pipe, 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		words   []string
		mistake string
	}{
		{[]string{"--tls-cert", filepath.Join(dir, "none.pem")}, "read --tls-cert: open " + dir},
		{[]string{"--tls-cert", nonsense, "--tls-key", filepath.Join(dir, "none.pem")}, "read --tls-key: open " + dir},
		{[]string{"--tls-cert", nonsense}, "read --tls-cert: read certificate " + nonsense},
		{[]string{"--tls-cert", dir}, "read --tls-cert: " + dir + " is a folder"},
		{[]string{"--tls-cert", pipe}, "read --tls-cert: " + pipe + " is a pipe"},
		{[]string{"--tls-cert", nonsense, "--tls-key", "/dev/zero"}, "read --tls-key: /dev/zero is a device"},
		{[]string{"--tls-cert", "/proc/kmsg"}, "read --tls-cert: /proc/kmsg is made by the kernel"},
		{[]string{"--tls-key", nonsense}, "there is no --tls-cert"},
		{[]string{"--max-body", "much"}, `"much" is not a size`},
		{[]string{"--max-body", "0MB"}, "is not a size"},
		{[]string{"--queue-timeout", "0s"}, "is not a time to wait"},
		{[]string{"--trusted-proxy", "everybody"}, `"everybody" is neither`},
		{[]string{"--http", "127.0.0.1:1", "--http", "127.0.0.1"}, `"127.0.0.1" is not an address`},
	} {
		_, err := readHTTP(runContext(t, test.words...))
		status, _ := exitStatus(err)
		if err == nil || !strings.Contains(err.Error(), test.mistake) || hint.Of(err) == "" || status != exitUsage {
			t.Errorf("%q: got %v (status %d, try %q)", test.words, err, status, hint.Of(err))
		}
	}
}

func TestNoEffectWithoutHTTP(t *testing.T) {
	t.Parallel()
	for _, option := range onlyWithHTTP {
		words := []string{"--" + option, "10s"}
		warning := "no effect without --http: --" + option
		if got := withoutEffect(runContext(t, words...), preforker.Config{}); !slices.Contains(got, warning) {
			t.Errorf("%q: %q", words, got)
		}
		if got := withoutEffect(runContext(t, append(words, "--http", ":3000")...), preforker.Config{}); slices.Contains(got, warning) {
			t.Errorf("%q: %q", words, got)
		}
	}
}

// Links in public/ may lead to what releases share, and to the folders that the user names, and not to those that
// X-Sendfile has by default.
func TestLinkDirs(t *testing.T) {
	t.Parallel()
	site := t.TempDir()
	if resolved, err := filepath.EvalSymlinks(site); err != nil {
		t.Fatal(err)
	} else {
		site = resolved
	}
	if err := os.MkdirAll(filepath.Join(site, "releases", "1"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("releases/1", filepath.Join(site, "current")); err != nil {
		t.Fatal(err)
	}
	shared := filepath.Join(site, "shared", "public")
	for _, test := range []struct {
		root  string
		named []string
		want  []string
	}{
		{site, nil, []string{"/usr/share"}},
		{filepath.Join(site, "current"), nil, []string{shared, "/usr/share"}},
		{filepath.Join(site, "releases", "1"), nil, []string{shared, "/usr/share"}},
		{site, []string{"uploads:/srv/files"}, []string{filepath.Join(site, "uploads"), "/srv/files", "/usr/share"}},
		{site, []string{"none"}, []string{"/usr/share"}},
	} {
		if got := linkDirs(test.root, test.named); !slices.Equal(got, test.want) {
			t.Errorf("%s, %q: got %q", test.root, test.named, got)
		}
	}
}
