//go:build linux

package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"launcher/cmd/launcher/internal/settings"
)

// configurationPage returns the files of CONFIGURATION.md, the last of which has all options.
func configurationPage(t *testing.T) (files []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "CONFIGURATION.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		files = append(files, match[1])
	}
	if len(files) != 2 {
		t.Fatalf("%d files", len(files))
	}
	return files
}

// TestPageHasAllOptions: the parser takes the documented files as they are, and the last one with every option in force; that one
// has each option of launcher NUM, and the default of those that have one.
func TestPageHasAllOptions(t *testing.T) {
	t.Parallel()
	files := configurationPage(t)
	whole := regexp.MustCompile(`(?m)^#([a-z-]+:)`).ReplaceAllString(files[1], "$1")
	shop := filepath.Join(ownFolder(t), "launcher.yml")
	for _, text := range append(files, whole) {
		if err := os.WriteFile(shop, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		// There is no such user.
		if _, err := read(t, "--user x --group y --socket-user z --allow-root=false --config "+shop); err != nil {
			t.Errorf("%v in\n%s", err, text)
		}
	}
	file, err := settings.Parse("CONFIGURATION.md", []byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	names := []string{workersSetting}
	for _, flag := range fileFlags(newApp(os.Stdout, os.Stderr)) {
		name := flag.Names()[0]
		names = append(names, name)
		setting, is := file.Find(name)
		if !is {
			t.Errorf("the file in CONFIGURATION.md does not have %s: add it there", name)
			continue
		}
		if standard := defaultOf(flag); standard != "" && standard != shortTime(strings.Join(texts(setting), ",")) && !slices.Contains(withExample, name) {
			t.Errorf("CONFIGURATION.md has %s: %s, whose default is %s", name, texts(setting), standard)
		}
	}
	for _, setting := range file.Settings {
		if !slices.Contains(names, setting.Name) {
			t.Errorf("CONFIGURATION.md has %s, which is no option", setting.Name)
		}
	}
}

// withExample are options whose default is to be without, for which the page has an example.
var withExample = []string{optSlowLog, optMaxAge, optMin, optMaxRequests}

func defaultOf(flag cli.Flag) string {
	switch f := flag.(type) {
	case *cli.StringFlag:
		return f.Value
	case *cli.DurationFlag:
		if f.Value%1e9 == 0 && f.Value.Seconds() == 90 {
			return "90s"
		}
		return shortTime(f.Value.String())
	case *cli.IntFlag:
		return fmt.Sprint(f.Value)
	case *cli.BoolFlag:
		return fmt.Sprint(f.Value)
	}
	return ""
}
