//go:build linux

package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestPreparationKeepsNobodyFromStarting: of an application with whatever preparing memory can meet, that much works
// which works without; the log names what was skipped and how to switch it off.
func TestPreparationKeepsNobodyFromStarting(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, since the kernel does, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	model := "class %[1]s < ApplicationRecord\n  establish_connection :%[2]s\nend\n"
	in := prepared(t, "production", map[string]string{
		"Gemfile": "gem \"rails\"\ngem \"sqlite3\"\ngem \"pg\"\n",
		"config/database.yml": fmt.Sprintf(`production:
  primary: {adapter: sqlite3, database: db/production.sqlite3, timeout: 5000}
  animals: {adapter: postgresql, host: 127.0.0.1, port: %d, database: animals}
  missing: {adapter: sqlite3, database: storage/missing.sqlite3, timeout: 5000}
`, silent.Addr().(*net.TCPAddr).Port),
		"app/models/animal.rb":            fmt.Sprintf(model, "Animal", "animals"),
		"app/models/lost.rb":              fmt.Sprintf(model, "Lost", "missing"),
		"app/views/posts/broken.html.erb": "<% if %>",
	})
	for _, line := range []string{
		`the database \S*missing\S* is skipped: there is nothing in \S+/storage/missing\.sqlite3 \(--without records\)`,
		`the database \S*animals\S* is skipped: it has not answered for 5 s \(--without records\)`,
		`the template posts/broken failed and is skipped: ActionView::\S+ .*\(--without views\)`,
	} {
		in.waitLine("launcher: preload: " + line)
	}
	if _, err := os.Stat(filepath.Join(in.root, "storage")); !os.IsNotExist(err) {
		t.Errorf("the folder of the missing database: %v", err)
	}
}

// TestPreparationOfLazyCode: a file that cannot be loaded is nobody's business until it is asked for.
func TestPreparationOfLazyCode(t *testing.T) {
	t.Parallel()
	production, err := os.ReadFile(filepath.Join("..", "..", "testdata", "apps", "blog", "config", "environments", "production.rb"))
	if err != nil {
		t.Fatal(err)
	}
	in := prepared(t, "staging", map[string]string{
		"config/environments/staging.rb": regexp.MustCompile(`eager_load = true`).ReplaceAllString(string(production), "eager_load = false"),
		"config/database.yml":            "staging: {adapter: sqlite3, database: db/production.sqlite3, timeout: 5000}\n",
		"app/models/broken.rb":           "class Broken\n  Nobody\nend\n",
	})
	in.waitLine(`launcher: preload: eager-load is skipped: config\.eager_load is off, .*: NameError: uninitialized constant Broken::Nobody \(app/models/broken\.rb:2\) \(--without eager-load\)`)
}

// TestPreparationKeepsWithinTheBootTimeout, whatever a page of the warm-up does.
func TestPreparationKeepsWithinTheBootTimeout(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: copyApp(t, "hello"), args: []string{"1", "--warmup", "/hang", "--boot-timeout", "12s"}}).serving()
	in.waitLine(`launcher: preload: warm-up did not end in time and is given up, at .* \(named by --warmup\)`)
	if a := ask(t, in.socket(0), "/"); a.status != 200 {
		t.Errorf("%v", a)
	}
}

// prepared starts a blog with other files, which serves.
func prepared(t *testing.T, environment string, files map[string]string) *instance {
	t.Helper()
	root := copyApp(t, "blog")
	_ = os.Remove(filepath.Join(root, "Gemfile.lock"))
	for name, text := range files {
		write(t, filepath.Join(root, name), text)
	}
	in := start(t, startOptions{root: root, args: []string{"1", "--environment", environment}}).serving()
	if a := ask(t, in.socket(0), "/pid"); a.status != 200 {
		t.Errorf("%v", a)
	}
	return in
}
