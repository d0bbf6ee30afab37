//go:build linux

package cli

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestSendfileDirs(t *testing.T) {
	t.Parallel()
	usual := []string{"/srv/shop/public", "/srv/shop/storage", "/srv/shop/tmp", "/srv/shop/files"}
	for _, test := range []struct{ named, want []string }{
		{nil, usual},
		{[]string{""}, usual}, // a variable that is set to nothing
		{[]string{"none"}, nil},
		{[]string{"./none"}, []string{"/srv/shop/none"}},
		{[]string{"private", "/srv/files/"}, []string{"/srv/shop/private", "/srv/files/"}},
		{[]string{"private:/srv/files"}, []string{"/srv/shop/private", "/srv/files"}},
	} {
		if got := sendfileDirs("/srv/shop", test.named); !slices.Equal(got, test.want) {
			t.Errorf("%q: got %q, want %q", test.named, got, test.want)
		}
	}
}

// TestWithResolved: the folders of a release behind a link have two names each, whether they are there yet or not.
func TestWithResolved(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	release, current := filepath.Join(dir, "releases", "1"), filepath.Join(dir, "current")
	if err := os.MkdirAll(filepath.Join(release, "public"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(release, current); err != nil {
		t.Fatal(err)
	}
	named := []string{current + "/public", current + "/storage/", release + "/public", "/missing/files"}
	want := []string{current + "/public", release + "/public", current + "/storage", release + "/storage", "/missing/files"}
	if got := withResolved(named); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestMissingSendfileDirs: a folder that the user names and that is not there is told; the usual ones need not be there.
func TestMissingSendfileDirs(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "private"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	const says = "--sendfile-dir names a folder that is not there, and nothing is sent from it: "
	for _, test := range []struct{ named, want []string }{
		{nil, nil},
		{[]string{"none"}, nil},
		{[]string{"private", root}, nil},
		{[]string{"privat:private", "file"}, []string{says + root + "/privat", says + root + "/file"}},
		{[]string{"private, file"}, []string{says + root + "/private, file (several have colons between, and not commas)"}},
	} {
		if got := missingSendfileDirs(root, test.named); !slices.Equal(got, test.want) {
			t.Errorf("%q: got %q, want %q", test.named, got, test.want)
		}
	}
}
