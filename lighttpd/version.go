package lighttpd

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
)

// Version is a release of lighttpd. Configuration is written for one release,
// because lighttpd ignores an option that it does not know with no more than
// a warning.
type Version struct {
	Major, Minor, Patch int
}

// OldestVersion is the first release that configuration is written for:
// server.stream-response-body and server.stream-request-body came with it, and
// without them every response is held back until its end.
func OldestVersion() Version { return Version{1, 4, 40} }

// DefaultVersion is what to write for when no lighttpd is at hand. It is the
// oldest release that a distribution of 2020 or later ships (Ubuntu 20.04), so
// it uses no option that a server in service is likely to lack.
func DefaultVersion() Version { return Version{1, 4, 55} }

// balanceVersion is the first release with fastcgi.balance.
func balanceVersion() Version { return Version{1, 4, 50} }

// unsetVersion is the first release with setenv.set-request-header.
func unsetVersion() Version { return Version{1, 4, 46} }

// requestHeaderVersion is the first release with conditions on any request
// header.
func requestHeaderVersion() Version { return Version{1, 4, 46} }

// timeoutVersion is the first release with connect-timeout of a backend.
func timeoutVersion() Version { return Version{1, 4, 60} }

// Warnings are what the user of a release has to know. They stand in its configuration, too.
//
// What the two releases get wrong is a body of which they have a part in a file, and which they send on before they have
// all of it (lighttpd's issue 3314): uploads with server.stream-request-body = 1 or 2, and responses with
// server.stream-response-body = 1.
func Warnings(v Version) []string {
	if v.AtLeast(Version{1, 4, 83}) && !v.AtLeast(Version{1, 4, 85}) {
		return []string{fmt.Sprintf("lighttpd %s can corrupt large bodies that it streams to or from FastCGI: upgrade it to 1.4.85 or later", v)}
	}
	return nil
}

var versionPattern = regexp.MustCompile(`^(?:lighttpd/)?([0-9]{1,4})\.([0-9]{1,4})\.([0-9]{1,4})(?:[^0-9.\n].*)?$`)

// ParseVersion reads "1.4.69", or the first line of `lighttpd -v`
// ("lighttpd/1.4.69 (ssl) - a light and fast webserver"). It does not judge
// whether the release is supported: writing configuration for it does.
func ParseVersion(text string) (Version, error) {
	m := versionPattern.FindStringSubmatch(text)
	if m == nil {
		return Version{}, failf(`give three numbers, like "1.4.69"; lighttpd -v prints them`,
			"read lighttpd version %q: not a version", text)
	}
	var n [3]int
	for i := range n {
		v, err := strconv.Atoi(m[i+1])
		if err != nil {
			return Version{}, fmt.Errorf("read lighttpd version %q: %w", text, err)
		}
		n[i] = v
	}
	return Version{n[0], n[1], n[2]}, nil
}

func (v Version) String() string {
	return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch)
}

// AtLeast reports whether v is w or a later release.
func (v Version) AtLeast(w Version) bool {
	return cmp.Or(cmp.Compare(v.Major, w.Major), cmp.Compare(v.Minor, w.Minor), cmp.Compare(v.Patch, w.Patch)) >= 0
}

// supported returns an error for a release that this package cannot write for.
func (v Version) supported() error {
	if v.AtLeast(OldestVersion()) {
		return nil
	}
	return failf(fmt.Sprintf("upgrade lighttpd to %s or later, or name the version that the configuration is for", OldestVersion()),
		"write configuration for lighttpd %s: releases before %s cannot stream a response", v, OldestVersion())
}
