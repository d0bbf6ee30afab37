//go:build linux

package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestRackup runs another file than config.ru, in the application's folder and with its Gemfile.
func TestRackup(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"config.ru":      "raise 'the wrong one'\n",
		"Gemfile":        "gem 'rack'\n",
		"sites/admin.ru": "run ->(_env) { [200, {}, [\"admin in #{Dir.pwd} with #{ENV['BUNDLE_GEMFILE']}\"]] }\n",
	}
	for _, test := range []struct {
		name string
		args func(root string) []string
		env  func(root string) []string
	}{
		{"smart", func(string) []string { return []string{"--rackup", "sites/admin.ru"} }, nil},
		{"direct", func(string) []string { return []string{"--rackup", "sites/admin.ru", "--spawn-method", "direct"} }, nil},
		{"absolute", func(root string) []string { return []string{"--rackup", filepath.Join(root, "sites/admin.ru")} }, nil},
		{"environment", nil, func(string) []string { return []string{"LAUNCHER_RACKUP=./sites/admin.ru"} }},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := writeApp(t, files)
			o := startOptions{root: root}
			if test.args != nil {
				o.args = test.args(root)
			}
			if test.env != nil {
				o.env = test.env(root)
			}
			o.args = append(o.args, "1")
			in := start(t, o).serving()
			if a := ask(t, in.socket(0), "/"); !a.is(fmt.Sprintf("admin in %s with %s/Gemfile", root, root)) {
				t.Errorf("%v", a)
			}
		})
	}
}

// TestRackupAlone: nothing else says that this is an application.
func TestRackupAlone(t *testing.T) {
	t.Parallel()
	root := writeApp(t, map[string]string{"admin.ru": "run ->(_env) { [200, {}, ['admin']] }\n"})
	in := start(t, startOptions{root: root, args: []string{"1", "--rackup", "admin.ru"}}).serving()
	if a := ask(t, in.socket(0), "/"); !a.is("admin") {
		t.Errorf("%v", a)
	}
}

func TestSpawnMethodAndRackupMistakes(t *testing.T) {
	t.Parallel()
	root := copyApp(t, "hello")
	for _, test := range []struct {
		args   []string
		status int
		says   string
		try    string
	}{
		{[]string{"2", "--spawn-method", "fast"}, exitUsage, `read --spawn-method: "fast" is neither smart nor direct`, "--spawn-method smart"},
		{[]string{"2", "--rackup", "none.ru"}, exitUsage, "find application: there is no file " + root + "/none.ru", "name a rackup file with --rackup"},
		{[]string{"2", "--rackup", "/none.ru"}, exitUsage, "find application: there is no file /none.ru", "name a rackup file with --rackup"},
		{[]string{"2", "--rackup", "lib"}, exitUsage, "there is no file " + root + "/lib", "name a rackup file with --rackup"},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			refused{startOptions{root: root, args: test.args}, test.status, []string{"launcher: .*" + test.says, test.try}}.run(t)
		})
	}
}
