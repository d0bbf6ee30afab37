// Package testdir makes and lists the folders of tests.
//
// What always holds: a folder's path leaves room for a unix socket's name, which that of
// testing.T.TempDir need not, and the folder goes with the test. Only tests import the package.
package testdir

import (
	"os"
	"testing"
)

// Short makes a folder with a short path.
func Short(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pf")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// Names returns the sorted names in a folder.
func Names(t testing.TB, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}
