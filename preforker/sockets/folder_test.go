package sockets

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"launcher/preforker/hint"
	"launcher/preforker/internal/testdir"
)

func TestFolder(t *testing.T) {
	base := testdir.Short(t)
	path := filepath.Join(base, "log")
	read := func(name string) string {
		text, _ := os.ReadFile(filepath.Join(path, name))
		return string(text)
	}
	d, err := MakeFolder(path)
	if err != nil || len(d.made) != 1 {
		t.Fatalf("%+v, %v", d, err)
	}
	if err := d.WriteSnippet("web.conf", "one"); err != nil || read("web.conf") != "one" {
		t.Fatalf("%q, %v", read("web.conf"), err)
	}
	if info, err := os.Stat(filepath.Join(path, "web.conf")); err != nil || info.Mode() != 0o644 {
		t.Errorf("%v, %v", info, err)
	}
	d.Undo()
	if got := testdir.Names(t, base); len(got) != 0 {
		t.Errorf("undone: %q", got)
	}

	// What was there before stays, and what somebody else has put there does too.
	d, err = MakeFolder(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(path, "production.log"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d.Undo()
	d, err = MakeFolder(path)
	if err != nil || len(d.made) != 0 {
		t.Fatalf("%+v, %v", d, err)
	}
	for _, text := range []string{"one", "one", "two"} {
		d.snippet = ""
		if err := d.WriteSnippet("web.conf", text); err != nil || read("web.conf") != text {
			t.Errorf("%q, %v", read("web.conf"), err)
		}
	}
	d.Undo()
	if got := testdir.Names(t, path); !slices.Equal(got, []string{"production.log", "web.conf"}) || read("web.conf") != "two" {
		t.Errorf("undone: %q", got)
	}
}

func TestFolderThatFails(t *testing.T) {
	base := testdir.Short(t)
	file := filepath.Join(base, "log")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if d, err := MakeFolder(file); err == nil || d != nil || hint.Of(err) == "" {
		t.Errorf("%+v, %v", d, err)
	}
	d := &Folder{path: filepath.Join(base, "nowhere")}
	if err := d.WriteSnippet("web.conf", "one"); err == nil || !strings.HasPrefix(err.Error(), "write ") {
		t.Errorf("%v", err)
	}
	// A folder where the file should be: nothing half written stays behind.
	d = &Folder{path: base}
	if err := os.Mkdir(filepath.Join(base, "web.conf"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := d.WriteSnippet("web.conf", "one"); err == nil {
		t.Error("a folder was replaced")
	}
	if got := testdir.Names(t, base); !slices.Equal(got, []string{"log", "web.conf"}) {
		t.Errorf("%q", got)
	}
}
