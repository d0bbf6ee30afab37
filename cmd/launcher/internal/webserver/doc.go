// Package webserver has what the configurations of all web servers have in common: the site that they lead to, the
// interface of what writes them, and how a web server's program is asked for its version and for its own test. A package
// below this one writes those of one web server; what was found out about each is in README.md.
//
// What always holds: writing is a pure function of a site, a version and a listener, so the same ones give the same
// bytes. Every name in the text is read back as it is, or refused with an error. What its reader has to know stands in
// the text and among the warnings. No web server is told to start or to own a backend.
//
// What it does not do: it starts no web server, and reads no existing configuration.
package webserver
