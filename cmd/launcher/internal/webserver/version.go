package webserver

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"launcher/preforker/hint"
)

// Version is a release of a web server. Configuration is written for one release, since what one knows is an error, or
// passed over, in another.
type Version struct {
	Major, Minor, Patch int
}

// AtLeast reports whether v is w or a later release.
func (v Version) AtLeast(w Version) bool {
	return slices.Compare([]int{v.Major, v.Minor, v.Patch}, []int{w.Major, w.Minor, w.Patch}) >= 0
}

func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch) }

// What distributions and development releases append is passed over.
var versionText = regexp.MustCompile(`^v?([0-9]{1,4})\.([0-9]{1,4})(?:\.([0-9]{1,4}))?(?:[-+~ ].*)?$`)

// ParseVersion reads "1.22.1", "2.6" or "v2.6.2".
func (p Program) ParseVersion(text string) (Version, error) {
	parts := versionText.FindStringSubmatch(text)
	if parts == nil {
		return Version{}, hint.Errorf(fmt.Sprintf("give its numbers, like %q", p.Default), "read version %q of %s: not a version", text, p.Name)
	}
	var n [3]int
	for i, part := range parts[1:] {
		if part != "" {
			n[i], _ = strconv.Atoi(part) // four digits at the most
		}
	}
	return Version{n[0], n[1], n[2]}, nil
}

// Supports returns an error for a release that is older than what configuration is written for.
func (p Program) Supports(v Version) error {
	if v.AtLeast(p.Oldest) {
		return nil
	}
	return hint.Errorf(fmt.Sprintf("upgrade %s to %s or later, or name the version that the configuration is for", p.Name, p.Oldest),
		"write configuration for %s %s: releases before %s lack what it needs", p.Name, v, p.Oldest)
}
