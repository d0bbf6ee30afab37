package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// pure is what of the standard library the core may use: nothing that waits, reads the clock or throws dice
// by itself, or knows of an operating system.
var pure = []string{"cmp", "errors", "fmt", "iter", "maps", "math", "math/bits", "slices", "strconv", "strings", "time"}

// above is what decides: the supervisor and its core. What is below them does not know them.
var above = []string{"preforker", "preforker/core", "preforker/core/sim", "preforker/history"}

// rule is what the packages of a pattern may import. A pattern is a path within the module; with "/..." at its
// end it is all packages below it too.
type rule struct {
	packages []string
	except   []string // of the packages
	only     []string // of this module; nil is any
	never    []string // of this module, as patterns
	standard []string // of the standard library and other modules; nil is any
	tests    bool     // it holds for tests too
}

var rules = []rule{
	{packages: []string{"preforker/core"}, only: []string{"preforker/ident"}, standard: pure},
	{packages: []string{"preforker/core/..."}, only: []string{"preforker/ident", "preforker/core"}, standard: append([]string{"math/rand/v2"}, pure...)},
	{packages: []string{"preforker/core/..."}, never: []string{"preforker", "preforker/internal/...", "preforker/linux", "preforker/proc"}, tests: true},
	{packages: []string{"preforker/ident"}, only: []string{}, tests: true},
	{packages: []string{"preforker/..."}, except: above, never: above, tests: true},
	{packages: []string{"fcgi", "fcgi/fcgitest"}, only: []string{"fcgi", "fcgi/fcgitest"}, tests: true},
	{packages: []string{"fcgi"}, only: []string{}},
	{packages: []string{"fcgi/front"}, only: []string{"fcgi"}},
	{packages: []string{"fcgi/front"}, only: []string{"fcgi", "fcgi/fcgitest"}, tests: true},
	{packages: []string{"fcgi/conformance"}, only: []string{"fcgi"}},
	{packages: []string{"fcgi/conformance"}, only: []string{"fcgi", "fcgi/fcgitest"}, tests: true},
	{packages: []string{"lighttpd"}, only: []string{}, tests: true},
	{packages: []string{"cmd/launcher/internal/webserver"}, only: []string{"preforker/hint"}, tests: true},
	{packages: []string{"cmd/launcher/internal/webserver/..."}, except: []string{"cmd/launcher/internal/webserver"},
		only: []string{"cmd/launcher/internal/webserver", "cmd/launcher/internal/webserver/webservertest", "preforker/hint"}, tests: true},
	{packages: []string{"cmd/launcher/internal/usage/..."}, only: []string{}},
	{packages: []string{"cmd/launcher/internal/usage/..."}, only: []string{"cmd/launcher/internal/usage", "cmd/launcher/internal/usage/usagetest"}, tests: true},
	{packages: []string{"scripts/..."}, only: []string{}, tests: true},
	{packages: []string{"cmd/launcher/internal/experiment"}, only: []string{"cmd/launcher/internal/experiment/mix", "preforker/proc"}, tests: true},
	{packages: []string{"cmd/launcher/internal/experiment/mix"}, only: []string{"preforker/smallfile"}, tests: true},
	{packages: []string{"cmd/launcher/internal/experiment/load"}, only: []string{"cmd/launcher/internal/experiment/mix", "fcgi", "fcgi/fcgitest", "preforker/printable"}, tests: true},
	{packages: []string{"cmd/launcher/internal/experiment/report"}, only: []string{"cmd/launcher/internal/experiment", "preforker/printable", "preforker/proc"}, tests: true},
	{packages: []string{"cmd/launcher/internal/settings"}, only: []string{"preforker/hint", "preforker/printable", "preforker/smallfile"}, tests: true},
	{packages: []string{"cmd/launcher/internal/metrics"}, only: []string{"preforker/control"}},
	{packages: []string{"cmd/launcher/internal/metrics"}, only: []string{"preforker/control", "preforker/proc"}, tests: true},
	{packages: []string{"cmd/launcher/internal/migration"}, only: []string{"cmd/launcher/internal/settings", "preforker/smallfile"}, tests: true},
	{packages: []string{"cmd/launcher/internal/migration"}, only: []string{"preforker/smallfile"}},
	{packages: []string{"cmd/launcher/internal/dashboard"}, only: []string{"preforker/control", "preforker/hint", "preforker/printable"}},
	{packages: []string{"cmd/launcher/internal/dashboard/browsertest"}, only: []string{}, tests: true},
	{packages: []string{"cmd/launcher/internal/systemd"}, only: []string{"preforker", "preforker/core", "preforker/hint", "preforker/ident", "preforker/linux"}},
	{packages: []string{"cmd/launcher/internal/experiment/server"}, never: []string{"cmd/launcher/internal/experiment/run", "cmd/launcher/internal/experiment/report"}, tests: true},
	{packages: []string{"cmd/launcher/internal/experiment/..."}, never: append([]string{"cmd/launcher/internal/cli"}, above...), tests: true},
	{packages: []string{"preforker/...", "fcgi/...", "lighttpd"}, never: []string{"cmd/..."}, tests: true},
}

func thisModule(t *testing.T) *module {
	t.Helper()
	m, err := load("../../..")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestImports(t *testing.T) {
	m := thisModule(t)
	for _, p := range m.packages {
		for _, r := range rules {
			if !matchesAny(r.packages, m.name(p)) || matchesAny(r.except, m.name(p)) {
				continue
			}
			for _, imported := range p.imports(r.tests) {
				if !r.allows(m, p, imported) {
					t.Errorf("%s imports %s", m.name(p), strings.TrimPrefix(imported, m.path+"/"))
				}
			}
		}
	}
}

func (r *rule) allows(m *module, p *pkg, imported string) bool {
	if imported == p.path {
		return true // a test that stands outside of it
	}
	name, ours := strings.CutPrefix(imported, m.path+"/")
	if !ours {
		return r.standard == nil || slices.Contains(r.standard, imported)
	}
	return (r.only == nil || matchesAny(r.only, name)) && !matchesAny(r.never, name)
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		tree, all := strings.CutSuffix(pattern, "/...")
		return name == tree || all && strings.HasPrefix(name, tree+"/")
	})
}

// The rules are only as good as their reading.
func TestRules(t *testing.T) {
	m := &module{path: "launcher"}
	core := &pkg{path: "launcher/preforker/core"}
	r := rule{packages: []string{"preforker/core"}, only: []string{"preforker/ident"}, never: []string{"preforker/..."}, standard: pure}
	for imported, want := range map[string]bool{"time": true, "os": false, "log/slog": false, "golang.org/x/sys/unix": false,
		"launcher/preforker/core": true, "launcher/preforker/linux": false, "launcher/fcgi": false} {
		if got := r.allows(m, core, imported); got != want {
			t.Errorf("%s: got %v", imported, got)
		}
	}
	r.never = nil
	if !r.allows(m, core, "launcher/preforker/ident") {
		t.Error("ident is not allowed")
	}
	for name, want := range map[string]bool{"a": true, "a/b": true, "ab": false, "b": true, "b/c": false} {
		if got := matchesAny([]string{"a/...", "b"}, name); got != want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

// Calls of the kernel beyond the standard library stand in one place.
func TestKernelInOnePackage(t *testing.T) {
	m := thisModule(t)
	for _, p := range m.packages {
		for _, imported := range p.imports(true) {
			if strings.HasPrefix(imported, "golang.org/x/sys/") && m.name(p) != "preforker/linux" {
				t.Errorf("%s imports %s", m.name(p), imported)
			}
		}
	}
}

// The core is told what time it is, and waits for nothing.
func TestCoreHasNoClock(t *testing.T) {
	m := thisModule(t)
	for _, p := range m.packages {
		if !matchesAny([]string{"preforker/core/..."}, m.name(p)) {
			continue
		}
		for _, f := range p.files {
			for _, call := range []string{"time.Now", "time.Since", "time.Until", "time.Sleep", "time.After", "time.AfterFunc", "time.NewTimer", "time.NewTicker", "time.Tick"} {
				if f.selectors[call] && !f.test {
					t.Errorf("%s calls %s", filepath.Join(m.name(p), f.name), call)
				}
			}
		}
	}
}
