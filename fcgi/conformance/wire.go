package conformance

import (
	"bytes"
	"encoding/binary"
	"slices"

	"launcher/fcgi"
)

// flagKeep asks the responder to keep the connection, specification section 5.1.
const flagKeep = 1

// id is the request that most cases make.
const id = 1

// record is a record in which every field can be wrong.
type record struct {
	version  byte
	kind     fcgi.Type
	id       uint16
	content  []byte
	padding  []byte
	reserved byte
}

func (r record) bytes() []byte {
	out := []byte{r.version, byte(r.kind)}
	out = binary.BigEndian.AppendUint16(out, r.id)
	out = binary.BigEndian.AppendUint16(out, uint16(len(r.content)))
	out = append(out, byte(len(r.padding)), r.reserved)
	return slices.Concat(out, r.content, r.padding)
}

// padded is a record with as much padding as there can be.
func padded(kind fcgi.Type, content []byte) []byte {
	return record{version: fcgi.Version, kind: kind, id: id, content: content, padding: make([]byte, 255)}.bytes()
}

// beginBody is the content of BEGIN_REQUEST.
func beginBody(role fcgi.Role, flags byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(role)), flags, 0, 0, 0, 0, 0)
}

func begin(id uint16, role fcgi.Role, flags byte) []byte {
	return fcgi.AppendRecord(nil, fcgi.TypeBeginRequest, id, beginBody(role, flags))
}

// head is a request up to the end of its parameters.
func head(id uint16, flags byte, pairs []byte) []byte {
	return append(begin(id, fcgi.RoleResponder, flags), stream(fcgi.TypeParams, id, pairs)...)
}

// stream is a stream with its end.
func stream(kind fcgi.Type, id uint16, content []byte) []byte {
	var out []byte
	if len(content) > 0 {
		out = fcgi.AppendRecord(out, kind, id, content)
	}
	return fcgi.AppendRecord(out, kind, id, nil)
}

// piece is a record of a stream that goes on.
func piece(kind fcgi.Type, content []byte) []byte { return fcgi.AppendRecord(nil, kind, id, content) }

func stdin(body string) []byte { return stream(fcgi.TypeStdin, id, []byte(body)) }

// pair is a name-value pair with any bytes in it, which the client of package fcgi refuses to send.
func pair(name, value string) []byte {
	return slices.Concat(shortLength(len(name)), shortLength(len(value)), []byte(name), []byte(value))
}

func shortLength(n int) []byte {
	if n < 128 {
		return []byte{byte(n)}
	}
	return longLength(n)
}

// longLength has four bytes, whether or not it needs them.
func longLength(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)|1<<31) }

// pairs encodes parameters.
func pairs(params fcgi.Params) []byte {
	var out []byte
	for _, p := range params {
		out = append(out, pair(p.Name, p.Value)...)
	}
	return out
}

// single is one record for each byte of a stream, with its end.
func single(kind fcgi.Type, content []byte) []byte {
	var out bytes.Buffer
	for i := range content {
		out.Write(piece(kind, content[i:i+1]))
	}
	out.Write(piece(kind, nil))
	return out.Bytes()
}
