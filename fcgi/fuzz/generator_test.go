package fuzz

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"launcher/fcgi"
)

// input is what one connection is sent.
type input struct {
	bytes  []byte
	cut    int  // where it is written in two pieces; 0 for one
	leaves bool // without reading what comes back
}

// generator makes inputs: the same ones for the same seed and number.
type generator struct{ *rand.Rand }

func inputOf(seed, number uint64) input {
	g := generator{rand.New(rand.NewPCG(seed, number))}
	in := input{bytes: g.any()}
	if len(in.bytes) > 1 && g.IntN(8) == 0 {
		in.cut = 1 + g.IntN(len(in.bytes)-1)
	}
	in.leaves = g.IntN(64) == 0
	return in
}

func (g generator) any() []byte {
	switch g.IntN(16) {
	case 0:
		return g.noise(g.IntN(200))
	case 1, 2, 3:
		return g.records()
	case 4, 5, 6, 7:
		return g.request(g.mutated(pairs(g.params())))
	case 8, 9:
		return g.request(pairs(g.params())) // whose values are odd enough
	default:
		return g.mutated(slices.Concat(g.request(pairs(g.params())), g.maybe(3, func() []byte { return g.request(pairs(g.params())) })))
	}
}

func (g generator) maybe(oneIn int, more func() []byte) []byte {
	if g.IntN(oneIn) > 0 {
		return nil
	}
	return more()
}

func (g generator) noise(size int) []byte {
	out := make([]byte, size)
	for i := range out {
		out[i] = byte(g.Uint32())
	}
	return out
}

// record has the form of one, whatever is in it.
func (g generator) record(kind fcgi.Type, id uint16, content []byte) []byte {
	padding := g.IntN(9)
	out := []byte{fcgi.Version, byte(kind)}
	out = binary.BigEndian.AppendUint16(out, id)
	out = binary.BigEndian.AppendUint16(out, uint16(len(content)))
	out = append(out, byte(padding), byte(g.IntN(2)))
	return slices.Concat(out, content, make([]byte, padding))
}

func (g generator) records() (out []byte) {
	for range 1 + g.IntN(12) {
		content := g.noise(8)
		switch g.IntN(4) {
		case 0:
			content = g.noise(g.IntN(40))
		case 1:
			content = []byte{0, byte(g.IntN(4)), byte(g.IntN(2)), 0, 0, 0, 0, 0}
		case 2:
			content = pairs(g.params())
		}
		if g.IntN(5) == 0 {
			content = nil
		}
		out = append(out, g.record(fcgi.Type(g.IntN(13)), uint16(g.IntN(3)), content)...)
	}
	return out
}

// request is a whole request with these parameters, cut into records anywhere.
func (g generator) request(encoded []byte) []byte {
	id := uint16(1 + g.IntN(2))
	out := g.record(fcgi.TypeBeginRequest, id, []byte{0, 1, byte(g.IntN(2)), 0, 0, 0, 0, 0})
	out = append(out, g.stream(fcgi.TypeParams, id, encoded)...)
	body := g.noise(g.IntN(4) * g.IntN(200))
	if g.IntN(500) == 0 {
		body = make([]byte, 100_000+g.IntN(60_000))
	}
	return append(out, g.stream(fcgi.TypeStdin, id, body)...)
}

func (g generator) stream(kind fcgi.Type, id uint16, content []byte) (out []byte) {
	for len(content) > 0 {
		n := min(len(content), fcgi.MaxContent)
		if g.IntN(3) == 0 {
			n = 1 + g.IntN(n)
		}
		out = append(out, g.record(kind, id, content[:n])...)
		content = content[n:]
	}
	return append(out, g.record(kind, id, nil)...)
}

// mutated changes, cuts out, doubles and moves bytes.
func (g generator) mutated(bytes []byte) []byte {
	bytes = slices.Clone(bytes)
	for range 1 + g.IntN(6) {
		if len(bytes) == 0 {
			return []byte{0}
		}
		at, size := g.IntN(len(bytes)), 1+g.IntN(16)
		end := min(at+size, len(bytes))
		switch g.IntN(6) {
		case 0:
			bytes[at] = byte(g.Uint32())
		case 1:
			bytes[at] ^= 1 << g.IntN(8)
		case 2:
			bytes[at] = []byte{0, 1, 0x7f, 0x80, 0xff, '\n', '\r', '%', '/'}[g.IntN(9)]
		case 3:
			bytes = slices.Delete(bytes, at, end)
		case 4:
			bytes = slices.Insert(bytes, at, slices.Clone(bytes[at:end])...)
		default:
			piece := slices.Clone(bytes[at:end])
			bytes = slices.Delete(bytes, at, end)
			bytes = slices.Insert(bytes, g.IntN(len(bytes)+1), piece...)
		}
	}
	return bytes
}

// pieces are what paths, hosts and lengths are made of where they are odd.
var pieces = []string{"/", "//", "/..", "/.", "%", "%2", "%2f", "%0a", "%00", "%ff", "\xff", "\xc3", "?", "#", "*", "a", "shop", "index.html", "dispatch.fcgi", ".fcgi",
	"http://h", "https://u@h:80", ":", "[::1]", "::1", ";", "&", "=", "+", " ", "\t", "é", "0", "1", "-1", "99999999999999999999", "\"", "'", "\\", "_", ".", "HTTP/1.1", "HTTP/2.0", "chunked"}

func (g generator) text() string {
	var out strings.Builder
	for range g.IntN(6) {
		out.WriteString(pieces[g.IntN(len(pieces))])
	}
	if g.IntN(50) == 0 {
		out.WriteString(strings.Repeat("x", g.IntN(70_000)))
	}
	return out.String()
}

func (g generator) path() string { return "/" + strings.ReplaceAll(g.text(), "?", "/") }

// params are those of a request that a web server could have sent, with some that are odd.
func (g generator) params() fcgi.Params {
	path := g.path()
	params := fcgi.Params{
		{Name: "REQUEST_METHOD", Value: []string{"POST", "HEAD", "OPTIONS", "G T", "", "GET"}[min(g.IntN(20), 5)]},
		{Name: "REQUEST_URI", Value: path + "?" + g.text()}, {Name: "SCRIPT_NAME", Value: ""}, {Name: "PATH_INFO", Value: path},
		{Name: "SERVER_NAME", Value: "localhost"}, {Name: "SERVER_PORT", Value: "80"}, {Name: "SERVER_PROTOCOL", Value: "HTTP/1.1"},
		{Name: "SERVER_SOFTWARE", Value: []string{"lighttpd/1.4.69", "nginx/1.22.1", "Apache/2.4", ""}[g.IntN(4)]}, {Name: "CONTENT_LENGTH", Value: strconv.Itoa(g.IntN(300))},
	}
	more := []string{"HTTP_HOST", "HTTP_COOKIE", "HTTP_X_FORWARDED_FOR", "HTTP_TRANSFER_ENCODING", "HTTP_PROXY", "HTTP_X.Y", "HTTPS", "REDIRECT_URI", "CONTENT_TYPE",
		"QUERY_STRING", "HTTP_CONTENT_LENGTH", "HTTP_RANGE", "HTTP_VERSION", "REQUEST_SCHEME", "LAUNCHER_SENDFILE", "rack.input", "rack.errors", "HTTP_"}
	for range g.IntN(4) {
		params = append(params, fcgi.Param{Name: more[g.IntN(len(more))], Value: g.text()})
	}
	for range g.IntN(3) {
		params[g.IntN(len(params))].Value = g.text()
	}
	if g.IntN(4) == 0 {
		i := g.IntN(len(params))
		params = slices.Delete(params, i, i+1)
	}
	return params
}

// pairs encodes parameters, as package fcgi does where it refuses none.
func pairs(params fcgi.Params) []byte {
	out, err := params.Append(nil)
	if err != nil {
		return out // up to the one that no responder takes
	}
	return out
}
