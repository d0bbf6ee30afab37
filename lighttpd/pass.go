package lighttpd

import (
	"fmt"
	"strconv"
)

// Pass is a lighttpd that hands every request to one application and does nothing else:
// no static files, no rewriting, no log but that of errors. It is for comparing servers
// of both protocols, whose front must differ in nothing but the protocol.
type Pass struct {
	Server  Server
	FastCGI bool     // HTTP where it is not
	Sockets []string // absolute
}

// A connection is not to be closed in the middle of a measurement: the largest number
// that lighttpd takes (16 bits, 1000 by default), and more than a slow rate's pause
// (5 s by default).
const (
	passRequests = 65535
	passIdle     = 120 // seconds
)

// Config returns the whole configuration file.
func (p Pass) Config(version Version) (string, error) {
	if err := version.supported(); err != nil {
		return "", err
	}
	if err := p.Server.validate(); err != nil {
		return "", err
	}
	if err := (Site{Sockets: p.Sockets}).validateSockets(); err != nil {
		return "", err
	}
	module := "proxy"
	if p.FastCGI {
		module = "fastcgi"
	}
	var w writer
	p.Server.write(&w)
	w.set("server.max-keep-alive-requests", strconv.Itoa(passRequests))
	w.set("server.max-keep-alive-idle", strconv.Itoa(passIdle))
	w.set("server.stream-request-body", "0")
	w.set("server.stream-response-body", "1")
	w.set("server.modules", fmt.Sprintf(`( "mod_%s" )`, module))
	w.line("")
	if version.AtLeast(balanceVersion()) {
		w.set(module+".balance", `"least-connection"`)
	}
	w.line(`%s.server = ( "/" => (`, module)
	w.depth++
	for i, socket := range p.Sockets {
		options := `"check-local" => "disable"`
		if p.FastCGI {
			options += `, "fix-root-scriptname" => "enable"`
		}
		w.line(`"w%d" => ( %s, %s ),`, i, backend(socket, version), options)
	}
	w.depth--
	w.line(") )")
	return w.text.String(), nil
}

// Locate returns the path of the installed lighttpd. The error is that of Find.
func Locate() (string, error) { return locate("") }
