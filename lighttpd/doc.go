// Package lighttpd writes the lighttpd configuration that leads to an
// application's FastCGI sockets, and has lighttpd itself check it.
//
// What always holds: writing is a pure function of its arguments, so the same
// site and version give the same bytes; every path in the text is absolute and
// quoted so that lighttpd reads back exactly the bytes given, or it is refused
// with an error; lighttpd is never told to start or to own a backend
// ("bin-path" makes it unlink a socket that it cannot reach).
//
// What it does not do: it starts no web server, reads no existing
// configuration and writes no file. Only Check and Find run lighttpd, and only
// to ask it something.
package lighttpd
