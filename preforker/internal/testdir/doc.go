// Package testdir makes and lists the folders of tests.
//
// What always holds: a folder's path leaves room for a unix socket's name, which that of
// testing.T.TempDir need not, and the folder goes with the test. Only tests import the package.
package testdir
