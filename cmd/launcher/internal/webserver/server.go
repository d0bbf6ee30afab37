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

// Whole returns a configuration that is a whole file: a heading, which says how it is run, and what write writes. It names
// what the web server makes while it runs by a prefix, which is another one when the web server tests the file.
func (p Program) Whole(site Site, version Version, listener Listener, run string, write func(w *Writer, prefix string)) (Config, error) {
	if err := p.check(site, version); err != nil {
		return Config{}, err
	}
	if err := listener.Check(p.names()); err != nil {
		return Config{}, err
	}
	whole := func(prefix string) *Writer {
		w := p.begin(site, version)
		w.Comment("Run it in the foreground with: " + run)
		write(w, prefix)
		return w
	}
	w := whole(listener.Prefix())
	return Config{w.String(), w.Warnings(), func(folder string) string { return whole(folder + "/run").String() }}, nil
}

// Part returns a configuration that is to be included: a heading, which says where, and what write writes. The web server
// tests it within what around writes.
func (p Program) Part(site Site, version Version, where string, write func(w *Writer), around func(w *Writer, prefix, text string)) (Config, error) {
	if err := p.check(site, version); err != nil {
		return Config{}, err
	}
	w := p.begin(site, version)
	w.Comment(where)
	w.Line("")
	write(w)
	return Config{w.String(), w.Warnings(), func(folder string) string {
		test := &Writer{Indent: p.Indent}
		around(test, folder+"/run", w.String())
		return test.String()
	}}, nil
}

func (p Program) check(site Site, version Version) error {
	if err := p.Supports(version); err != nil {
		return err
	}
	return site.Check(p.names())
}

func (p Program) names() Names {
	names := p.Names
	names.Server = p.Name
	return names
}

// begin returns a writer that has said what the configuration is for.
func (p Program) begin(site Site, version Version) *Writer {
	w := &Writer{Indent: p.Indent}
	w.Comment(site.Root + ", " + site.Workers() + ", for " + p.Name + " " + version.String() + ".")
	return w
}
