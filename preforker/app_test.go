package preforker

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"launcher/preforker/hint"
	"launcher/preforker/internal/wire"
)

func TestFindApp(t *testing.T) {
	for name, test := range map[string]struct {
		files []string
		entry string
		hooks bool
	}{
		"rack":      {[]string{"config.ru"}, "config.ru", false},
		"rails":     {[]string{"config/environment.rb"}, "config/environment.rb", false},
		"both":      {[]string{"config/environment.rb", "config.ru", "config/launcher.rb"}, "config.ru", true},
		"neither":   {[]string{"config/launcher.rb"}, "", false},
		"a folder":  {[]string{"config.ru/file"}, "", false},
		"no folder": {nil, "", false},
	} {
		root := filepath.Join(t.TempDir(), "app")
		for _, file := range test.files {
			path := filepath.Join(root, file)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		app, err := FindApp(root)
		if test.entry == "" {
			if err == nil || hint.Of(err) == "" || !strings.Contains(err.Error(), root) {
				t.Errorf("%s: %+v, %v", name, app, err)
			}
			continue
		}
		if err != nil || app.Root != root || app.Entry != test.entry || (app.Hooks != "") != test.hooks {
			t.Errorf("%s: %+v, %v", name, app, err)
		}
	}
}

func TestCheckHello(t *testing.T) {
	good := wire.Hello{Version: wire.Version, Ruby: "3.1.2", Engine: "ruby", Fork: true}
	for says, change := range map[string]func(*wire.Hello){
		"": func(*wire.Hello) {},
		fmt.Sprintf("version %d", wire.Version+1): func(h *wire.Hello) { h.Version++ },
		"jruby 3.1.2 (/bin/ruby) cannot fork":     func(h *wire.Hello) { h.Fork, h.Engine = false, "jruby" },
		"Ruby 2.6.10 (/bin/ruby) is too old":      func(h *wire.Hello) { h.Ruby = "2.6.10" },
	} {
		hello := good
		change(&hello)
		failed := checkHello(hello, "/bin/ruby")
		if (failed == nil) != (says == "") || (failed != nil && (failed.Stage != stageRuby || !strings.Contains(failed.Error.Message, says))) {
			t.Errorf("%+v: %+v, want %q", hello, failed, says)
		}
	}
}

func TestOlderThan(t *testing.T) {
	for version, older := range map[string]bool{"2.6.10": true, "1.9.3": true, "2": true, "": true, "nonsense": true,
		"2.7": false, "2.7.0": false, "2.10.1": false, "3.0.0": false, "3.4.0-preview1": false, "10.0": false} {
		if got := olderThan(version, oldestRuby); got != older {
			t.Errorf("%q older than %s: %v", version, oldestRuby, got)
		}
	}
}

func TestIsEnd(t *testing.T) {
	for err, want := range map[error]bool{io.EOF: true, os.ErrClosed: true, io.ErrUnexpectedEOF: false} {
		if isEnd(fmt.Errorf("receive: %w", err)) != want {
			t.Errorf("%v is an end: %v", err, !want)
		}
	}
}

func TestRecords(t *testing.T) {
	r := &records{}
	for want := range boardRecords {
		if got, err := r.take(); got != want || err != nil {
			t.Fatalf("record %d, %v, want %d", got, err, want)
		}
	}
	if _, err := r.take(); !errors.Is(err, errNoRecord) {
		t.Errorf("%v", err)
	}
	r.give(7)
	r.give(7) // twice is once: two workers must not write one record
	if got, err := r.take(); got != 7 || err != nil {
		t.Errorf("record %d, %v", got, err)
	}
	if _, err := r.take(); !errors.Is(err, errNoRecord) {
		t.Errorf("%v", err)
	}
}
