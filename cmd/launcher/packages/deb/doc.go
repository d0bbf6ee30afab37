// Package deb makes the packages for Debian: build, which nfpm.yaml is for, and the scripts that dpkg calls.
//
// What always holds: a package is tried on a system that forgets it (in-root), with real services under load, before anybody else has it.
package deb
