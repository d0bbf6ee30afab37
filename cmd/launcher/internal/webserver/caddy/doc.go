// Package caddy writes the configuration (a Caddyfile) with which Caddy leads to an application's workers.
//
// What always holds: a stream leaves as it comes, a header has one spelling, and a request is sent again at most once,
// if it is a GET.
//
// What it does not do: it names no host, so Caddy gets no certificate because of it.
package caddy
