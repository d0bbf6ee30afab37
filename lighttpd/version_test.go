package lighttpd

import (
	"errors"
	"strings"
	"testing"
)

// hintOf is how the command line finds the hint of an error.
func hintOf(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]Version{
		"1.4.69": {1, 4, 69},
		"lighttpd/1.4.69 (ssl) - a light and fast webserver":                                {1, 4, 69},
		"lighttpd/1.4.35 (ssl) - a light and fast webserver Build-Date: Jan 1 2015":         {1, 4, 35},
		"lighttpd/1.4.56-devel-lighttpd-1.4.55-200-gabc (ssl) - a light and fast webserver": {1, 4, 56},
		"2.0.0": {2, 0, 0},
	} {
		got, err := ParseVersion(text)
		if err != nil || got != want {
			t.Errorf("ParseVersion(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "1.4", "1.4.", "v1.4.69", "1.4.69.1", "1.4.690001", "-1.4.69", "nginx/1.22.1", " 1.4.69", "1.4.69\n1.4.70", "1.4.69\n"} {
		got, err := ParseVersion(text)
		if err == nil {
			t.Errorf("ParseVersion(%q) = %v, want an error", text, got)
		} else if hintOf(err) == "" {
			t.Errorf("ParseVersion(%q): no hint with %q", text, err)
		}
	}
}

func FuzzParseVersion(f *testing.F) {
	f.Add("1.4.69")
	f.Add("lighttpd/1.4.69 (ssl) - a light and fast webserver")
	f.Add("0001.04.9999-x")
	f.Fuzz(func(t *testing.T, text string) {
		v, err := ParseVersion(text)
		if err != nil {
			return
		}
		again, err := ParseVersion(v.String())
		if err != nil || again != v {
			t.Errorf("ParseVersion(%q) = %v, which reads back as %v, %v", text, v, again, err)
		}
	})
}

func TestVersionOrder(t *testing.T) {
	ordered := []Version{{0, 9, 9}, {1, 0, 0}, {1, 4, 9}, {1, 4, 40}, {1, 5, 0}, {2, 0, 0}}
	for i, v := range ordered {
		for j, w := range ordered {
			if got := v.AtLeast(w); got != (i >= j) {
				t.Errorf("%v.AtLeast(%v) = %v", v, w, got)
			}
		}
	}
}

func TestOldVersionIsRefused(t *testing.T) {
	site := plainSite()
	for _, v := range []Version{{1, 4, 39}, {1, 3, 99}, {}} {
		for name, write := range writers() {
			_, err := write(site, v)
			if err == nil || !strings.Contains(err.Error(), v.String()) || !strings.Contains(hintOf(err), "1.4.40") {
				t.Errorf("%s for %v: error %v, hint %q", name, v, err, hintOf(err))
			}
		}
	}
	for _, v := range []Version{OldestVersion(), DefaultVersion(), {1, 5, 0}} {
		if _, err := Snippet(site, v); err != nil {
			t.Errorf("Snippet for %v: %v", v, err)
		}
	}
}

// TestWarnings: of two releases, in both forms of the configuration.
func TestWarnings(t *testing.T) {
	for version, warned := range map[Version]bool{{1, 4, 82}: false, {1, 4, 83}: true, {1, 4, 84}: true, {1, 4, 85}: false, {1, 5, 0}: false} {
		for name, write := range writers() {
			text, err := write(plainSite(), version)
			if err != nil || strings.Contains(text, "# WARNING: lighttpd "+version.String()+" can corrupt") != warned || (len(Warnings(version)) > 0) != warned {
				t.Errorf("%s for %v: warned otherwise than %v: %q, %v", name, version, warned, Warnings(version), err)
			}
		}
	}
}
