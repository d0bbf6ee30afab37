package ruby

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"launcher/preforker/hint"
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
