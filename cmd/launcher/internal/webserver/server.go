package webserver

import "context"

// Server writes configuration for one kind of web server, and asks its program.
type Server interface {
	// Find returns the version of the program that command names, or of the one installed where it is empty. If none is
	// installed the error wraps exec.ErrNotFound, and DefaultVersion is the one to write for.
	Find(ctx context.Context, command string) (Version, error)
	// ParseVersion reads a version as a user writes it.
	ParseVersion(text string) (Version, error)
	// DefaultVersion is older than what servers in service are likely to be.
	DefaultVersion() Version
	// Snippet returns what is to be included into an existing configuration. Its first lines say where.
	Snippet(site Site, version Version) (Config, error)
	// Full returns a whole file, which serves the site and nothing else, and runs as any user.
	Full(site Site, version Version, listener Listener) (Config, error)
	// Check has the program test a configuration. The error has what it said.
	Check(ctx context.Context, command string, config Config) error
}

// Config is what was written.
type Config struct {
	Text string
	// Warnings are what the user has to know; they stand in the text, too.
	Warnings []string
	// Test returns a whole file for the web server's own test: the text, within what it needs. What the web server makes
	// while it reads it is in a folder.
	Test func(folder string) string
}

// Whole returns a configuration that is a whole file. It names what the web server makes while it runs by a prefix, which
// is another one when the web server tests the file.
func Whole(listener Listener, write func(prefix string) *Writer) Config {
	w := write(listener.Prefix())
	return Config{w.String(), w.Warnings(), func(folder string) string { return write(folder + "/run").String() }}
}

// Part returns a configuration that is to be included. The web server tests it within what around writes.
func Part(w *Writer, around func(prefix, text string) string) Config {
	return Config{w.String(), w.Warnings(), func(folder string) string { return around(folder+"/run", w.String()) }}
}
