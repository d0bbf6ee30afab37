//go:build linux

package cli

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/urfave/cli/v2"

	"launcher/preforker"
	"launcher/preforker/ruby"
)

func TestUnknownEnvironment(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	named := func(name string) ruby.App {
		return ruby.App{Root: root, Environment: environmentOf(name, "", "").variables("")}
	}
	if got := unknownEnvironment(named("prodution")); got != nil {
		t.Errorf("without Rails: %q", got)
	}
	folder := filepath.Join(root, "config", "environments")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"development.rb", "production.rb", "test.rb"} {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string][]string{
		"production": nil, "test": nil,
		"prodution": {`the application has no environment "prodution": there is no config/environments/prodution.rb; did you mean production?`},
		"staging":   {`the application has no environment "staging": there is no config/environments/staging.rb`},
	} {
		if got := unknownEnvironment(named(name)); !slices.Equal(got, want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestNothingIsBufferedWithoutLighttpd(t *testing.T) {
	const warning = "no effect with --http, which serves without lighttpd: --buffer-responses"
	for _, test := range []struct {
		words []string
		want  bool
	}{
		{[]string{"--http", ":3000", "--buffer-responses"}, true},
		{[]string{"--http", ":3000", "--buffer-responses=false"}, false},
		{[]string{"--http", ":3000"}, false},
		{[]string{"--buffer-responses"}, false},
	} {
		set := flag.NewFlagSet("launcher", flag.ContinueOnError)
		for _, option := range runFlags() {
			if err := option.Apply(set); err != nil {
				t.Fatal(err)
			}
		}
		if err := set.Parse(test.words); err != nil {
			t.Fatal(err)
		}
		warnings := withoutEffect(cli.NewContext(nil, set, nil), preforker.Config{})
		if got := slices.Contains(warnings, warning); got != test.want {
			t.Errorf("%q: %q", test.words, warnings)
		}
	}
}

func TestWithoutEffectBesidePorts(t *testing.T) {
	for _, test := range []struct {
		words []string
		ports bool
		want  []string
	}{
		{[]string{"--socket-mode", "0666", "--socket-group", "0"}, true, []string{
			"no effect with --listen, where the sockets are no files: --socket-mode", "no effect with --listen, where the sockets are no files: --socket-group"}},
		{[]string{"--socket-mode", "0666", "--socket-group", "0"}, false, nil},
		{[]string{"--listen-allow", "10.0.0.5"}, true, nil},
		{[]string{"--listen-allow", "10.0.0.5"}, false, []string{"no effect without --listen: --listen-allow"}},
		{nil, true, nil},
	} {
		set := flag.NewFlagSet("launcher", flag.ContinueOnError)
		for _, option := range runFlags() {
			if err := option.Apply(set); err != nil {
				t.Fatal(err)
			}
		}
		if err := set.Parse(test.words); err != nil {
			t.Fatal(err)
		}
		config := preforker.Config{}
		if test.ports {
			config.Listen = []string{"10.0.0.1:9000"}
		}
		if got := withoutEffect(cli.NewContext(nil, set, nil), config); !slices.Equal(got, test.want) {
			t.Errorf("%q: %q", test.words, got)
		}
	}
}
