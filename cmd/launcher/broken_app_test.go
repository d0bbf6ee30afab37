//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestUnusableRuby: whatever is given for a Ruby is told apart from the application's own faults.
func TestUnusableRuby(t *testing.T) {
	t.Parallel()
	pretend := func(change string) string {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "pretend.rb"), change)
		return script(t, fmt.Sprintf("exec ruby -r%s/pretend.rb \"$@\"", dir))
	}
	for name, test := range map[string]struct {
		ruby string
		says string
	}{
		"too old": {pretend(`Object.send(:remove_const, :RUBY_VERSION); RUBY_VERSION = "2.6.10"`),
			`launcher: start Ruby: Ruby 2\.6\.10 \(/.*\) is too old; the launcher needs 2\.7 or later`},
		"no fork": {pretend(`Process.singleton_class.send(:undef_method, :fork)
Object.send(:remove_const, :RUBY_ENGINE); RUBY_ENGINE = "jruby"`),
			`launcher: start Ruby: jruby [\d.]+ \(/.*\) cannot fork; the launcher needs a Ruby that can: CRuby`},
		"true":             {tool(t, "true"), `launcher: start Ruby: .*exit status 0.*is it a Ruby\?`},
		"cat":              {tool(t, "cat"), `launcher: start Ruby: /.*/cat ended before it said its version \(exit status 0\); is it a Ruby\?\n.*printed:\n    the program that it was given, and did not run\nTry`},
		"shell":            {tool(t, "bash"), `launcher: start Ruby: /.*/bash ended .*is it a Ruby\?`},
		"prints and exits": {script(t, "echo I am no Ruby; exit 3"), `launcher: start Ruby: .*exit status 3.*is it a Ruby\?(?s:.)*I am no Ruby`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := refused{startOptions{root: copyApp(t, "hello"), args: []string{"--ruby", test.ruby, "2"}}, exitFailed,
				[]string{test.says, "name another Ruby with --ruby"}}.run(t)
			if len(in.log()) > 4000 {
				t.Errorf("it says %d bytes", len(in.log()))
			}
		})
	}
}

// TestRubyThatCannotFork is refused by its name: on a virtual machine it takes many seconds to say so itself.
func TestRubyThatCannotFork(t *testing.T) {
	t.Parallel()
	command := filepath.Join(t.TempDir(), "ruby")
	if err := os.Symlink(script(t, "exec sleep 60", "jruby"), command); err != nil {
		t.Fatal(err)
	}
	refused{startOptions{root: copyApp(t, "hello"), args: []string{"--ruby", command, "2"}}, exitFailed,
		[]string{`find Ruby: .*/ruby is jruby, which cannot fork`, `CRuby`}}.run(t)
}

// TestRubyThatSaysNothing: it is told meanwhile, and in the end what it was that took the time.
func TestRubyThatSaysNothing(t *testing.T) {
	t.Parallel()
	in := refused{startOptions{root: copyApp(t, "hello"), args: []string{"--boot-timeout", "7s", "--ruby", script(t, "exec sleep 600"), "2"}}, exitFailed,
		[]string{`start Ruby: .* has not said what it is within 7s .*is it a Ruby\?`, "name another Ruby"}}.run(t)
	if in.count(`level=WARN msg="Ruby has not said yet what it is`) != 1 {
		t.Error("it does not say what it waits for")
	}
}

// TestHintsOfBundler are for what Bundler says itself of real Gemfiles.
func TestHintsOfBundler(t *testing.T) {
	t.Parallel()
	const lock = "GEM\n  remote: https://rubygems.example/\n  specs:\n    %s\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  %s\n"
	for name, test := range map[string]struct {
		files map[string]string
		env   []string
		says  []string
	}{
		"another Ruby": {map[string]string{"Gemfile": "ruby '2.0.0'\ngem 'rack'\n"}, nil,
			[]string{"Bundler::RubyVersionMismatch", `^Try: run it with the Ruby of its Gemfile, 2\.0\.0: .*--ruby`}},
		"frozen": {map[string]string{"Gemfile": "gem 'rake'\ngem 'rack'\n", "Gemfile.lock": fmt.Sprintf(lock, "rake (1.0)", "rake")},
			[]string{"BUNDLE_FROZEN=true"}, []string{"Bundler::ProductionError", `^Try: (bring the Gemfile\.lock|have Gemfile\.lock know)`}},
		"development": {map[string]string{"Gemfile": "gem 'rack'\ngroup(:development) { gem 'no-such-gem' }\n"}, nil,
			[]string{"Bundler::GemNotFound", `^Try: leave the groups out .*\(development\).*BUNDLE_WITHOUT`}},
		"no rack":   {map[string]string{"Gemfile": "gem 'rake'\n"}, nil, []string{"LoadError: cannot load such file -- rack", `^Try: add gem "rack"`}},
		"a mistake": {map[string]string{"Gemfile": "gem 'rake\n"}, nil, []string{"DSLError", "^Try: mend the file and line"}},
		"no such":   {nil, []string{"BUNDLE_GEMFILE=/nowhere/Gemfile"}, []string{"GemfileNotFound", "^Try: set BUNDLE_GEMFILE"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{"config.ru": "run ->(_env) { [200, {}, []] }\n"}
			for path, text := range test.files {
				if path == "Gemfile" {
					text = "source 'https://rubygems.example'\n" + text
				}
				files[path] = text
			}
			in := start(t, startOptions{root: writeApp(t, files), env: test.env, args: []string{"1"}})
			if status := in.wait(); status != exitFailed {
				t.Errorf("exit status %d", status)
			}
			for _, pattern := range test.says {
				if in.count(pattern) == 0 {
					t.Errorf("it does not say %q", pattern)
				}
			}
		})
	}
}

// script makes a command of a few lines for the shell.
func script(t testing.TB, lines string, name ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), strings.Join(append(name, "command")[:1], ""))
	text := filepath.Join(t.TempDir(), "text")
	write(t, text, "#!/bin/sh\n"+lines+"\n")
	if err := copyFile(text, path, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestBrokenApplications: the exception, the application's own frames before all others, and what
// it printed last.
func TestBrokenApplications(t *testing.T) {
	t.Parallel()
	own := func(code string) string { return writeApp(t, map[string]string{"config.ru": code}) }
	for name, test := range map[string]struct {
		root string
		args []string
		says []string
	}{
		"raises": {copyApp(t, "broken_raise"), nil, []string{
			`(?m)^launcher: load the application: Settings::Missing: no setting called PAYMENT_KEY
  in the application:
    lib/settings.rb:15:in .*fetch'
    lib/settings.rb:8:in .*application'
    config.ru:7:(?s:.*)
  the last lines that it printed:
    reading settings
    connecting to the payment service
Try:`, "bin/rails runner 1"}},
		"syntax": {copyApp(t, "broken_syntax"), nil, []string{
			`load the application: SyntaxError: .*lib/unfinished.rb:5: (?s:.*)in the application:\n    (lib/unfinished.rb|config.ru):\d`, "mend the file and line"}},
		"exits": {copyApp(t, "broken_exit"), nil, []string{
			`load the application: it ended itself with exit \(status 3\)\n  in the application:\n    config.ru:4:(?s:.*)printed:\n    no license found, leaving`, ""}},
		"exits at once": {copyApp(t, "broken_exit_bang"), nil, []string{
			`load the application: Ruby ended while it loaded: exit status 4\n  the last lines that it printed:\n    leaving without a goodbye`, ""}},
		"hangs": {copyApp(t, "broken_hang"), []string{"--boot-timeout", "10s"}, []string{
			`load the application: not done within 10s \(--boot-timeout\)
  in the application:
    lib/remote_settings.rb:12:in .*sleep'
    lib/remote_settings.rb:12:in .*wait_for_answer'
    lib/remote_settings.rb:6:in .*application'(?s:.*)asking the settings server`, "raise --boot-timeout"}},
		"missing gem": {copyApp(t, "broken_missing_gem"), nil, []string{`load the application: Bundler::\w+: `, "bundle install"}},
		"killed": {own("puts 'so far'\n$stdout.flush\nProcess.kill(:KILL, $$)\nsleep\n"), nil, []string{
			`Ruby ended while it loaded: signal SIGKILL\n  the last lines that it printed:\n    so far`, "memory was short"}},
		"becomes another program": {own("exec('sleep', '60')\n"), nil, []string{
			`load the application: it replaced Ruby by another program \(exec\)`, ""}},
		"talks, then raises": {own("5_000.times { |n| puts \"line #{n}\" }\nraise 'enough'\n"), nil, []string{
			`load the application: RuntimeError: enough(?s:.*)printed:\n` + lastLines("    line %d\n", 4990, 4999) + `Try:`, ""}},
		"prints no lines": {own("$stdout.print('x' * 100_000)\nraise 'enough'\n"), nil, []string{
			`load the application: RuntimeError: enough(?s:.*)printed:\n    x{1000}x+ … \(cut\)\nTry:`, ""}},
		"not UTF-8": {own("raise \"caf\\xe9\\0\".b\n"), nil, []string{`load the application: RuntimeError: caf.*`, ""}},
	} {
		t.Run(name, func(t *testing.T) {
			in := refused{startOptions{root: test.root, args: append(test.args, "2")}, exitFailed, test.says}.run(t)
			if strings.Contains(in.log(), "launcher/preloader.rb") {
				t.Error("the launcher's own frames are shown")
			}
		})
	}
}

func lastLines(format string, from, to int) string {
	var b strings.Builder
	for n := from; n <= to; n++ {
		fmt.Fprintf(&b, format, n)
	}
	return b.String()
}
