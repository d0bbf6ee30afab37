package webserver

import "regexp"

// Fingerprinted matches the path, below the prefix, of what Sprockets, Propshaft, Webpacker and Vite write: files with
// the digest of their content in their names, which cannot change. A digest of 8 places has letters and digits: 20240131
// is a date. It is for the patterns of Perl.
const Fingerprinted = `/(?:(?:assets|packs|vite)/.*[-.](?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{8,128}` +
	`|vite/assets/.*[-.][0-9A-Za-z_-]{8})\.[^/]+$`

// Year is how long browsers may keep such files, in seconds.
const Year = 365 * 24 * 60 * 60

// Pattern is the prefix within a pattern.
func (s Site) Pattern() string { return regexp.QuoteMeta(s.Prefix) }

// NoFolder is a folder that need not exist, for what no application serves.
const NoFolder = "/var/empty"
