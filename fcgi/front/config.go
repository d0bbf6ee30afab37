package front

import (
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"time"
)

// Config is what a Handler needs. Its zero values are defaults.
type Config struct {
	// Sockets are the addresses of the workers (fcgi.Network). Lower indexes are
	// preferred, so that in quiet times the memory of the other workers stays
	// shared.
	Sockets []string
	// Public is the folder of static files, "" for none. It is resolved anew
	// for each request, since deploy tools move the links above it.
	Public string
	// LinkDirs are folders outside of Public that links in it may lead to. Such links are followed anew for each
	// request; those that lead elsewhere are not.
	LinkDirs []string
	// Prefix is the path that the application is mounted under, such as
	// "/shop", or "".
	Prefix string
	// SendfileDirs are the folders below which the application may have files sent in
	// the place of its body, by X-Sendfile. Absolute; links in and to them are followed anew for
	// each request.
	SendfileDirs []string
	// TrustedProxies are the addresses whose word about where a request comes from is passed on: X-Forwarded-For and
	// the like. nil is loopback; who comes through a unix socket is always trusted.
	TrustedProxies []netip.Prefix
	AccessLog      *AccessLog   // nil for none
	Log            *slog.Logger // discards by default

	// WaitLimit bounds how long a request waits for an idle worker, 60 s by
	// default. Then it is answered 503.
	WaitLimit time.Duration
	// MaxRequests bounds how many requests there are at once, 0 for any number. Those beyond it are answered 503: one
	// connection of HTTP/2 carries many.
	MaxRequests int
	// SetAside is how long a socket that refused is not asked again, 200 ms by
	// default.
	SetAside time.Duration
	// AbortAfter is how long after the end of what a client sends, and the last thing written to it, its worker
	// is told that nobody waits any more, 5 s by default.
	AbortAfter time.Duration
	// AbandonLimit bounds how long a worker that was told may go on before the connection to it is
	// closed, 60 s by default.
	AbandonLimit time.Duration
	// StallLimit bounds how long a client may send nothing of its request, and how long it may need for a
	// piece of its response, 60 s by default.
	StallLimit time.Duration
	// HeadTimeout bounds the wait for a response head, after which the client
	// gets 504. 0 is no bound: time limits on requests are the business of
	// whoever can end the worker.
	HeadTimeout time.Duration
	// PassedLimit says whether the worker of a socket, by its place among them, has passed a limit since it was given a request, or was
	// asked to end with it: then no other worker gets the request, and the client 504 where it was its time. nil: nobody knows.
	PassedLimit func(socket int, began time.Time) (passed, timeout bool)
	// MaxBody bounds a request's body, 256 MiB by default, and MaxSpools what of all of them is spooled to files in
	// SpoolDir, four times as much by default. More is answered 413 and 503. They bound in the same way what of
	// responses is spooled; of these the worker waits with more.
	MaxBody   int64
	MaxSpools int64
	SpoolDir  string // the system's folder for temporary files by default
	// MaxParams bounds the encoded environment, 65535 bytes by default. More is
	// answered 431.
	MaxParams int
	// Counters are those of the Listener, or of their own.
	Counters *Counters
	// Software is SERVER_SOFTWARE, "launcher" by default.
	Software string
}

func (c Config) withDefaults() Config {
	c.WaitLimit = durationOr(c.WaitLimit, time.Minute)
	c.SetAside = durationOr(c.SetAside, 200*time.Millisecond)
	c.AbandonLimit = durationOr(c.AbandonLimit, time.Minute)
	c.StallLimit = durationOr(c.StallLimit, time.Minute)
	c.AbortAfter = durationOr(c.AbortAfter, 5*time.Second)
	if c.MaxBody <= 0 {
		c.MaxBody = 256 << 20
	}
	if c.MaxSpools <= 0 {
		c.MaxSpools = 4 * c.MaxBody
	}
	if c.PassedLimit == nil {
		c.PassedLimit = func(int, time.Time) (passed, timeout bool) { return false, false }
	}
	if c.TrustedProxies == nil {
		c.TrustedProxies = Loopback()
	}
	if c.Software == "" {
		c.Software = "launcher"
	}
	if c.Counters == nil {
		c.Counters = &Counters{}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Public != "" {
		// DOCUMENT_ROOT is absolute. Abs fails where the working directory is
		// gone, and then the path as given is the best there is.
		if abs, err := filepath.Abs(c.Public); err == nil {
			c.Public = abs
		}
	}
	if c.Prefix = strings.Trim(c.Prefix, "/"); c.Prefix != "" {
		c.Prefix = "/" + c.Prefix
	}
	return c
}

func durationOr(d, fallback time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return fallback
}
