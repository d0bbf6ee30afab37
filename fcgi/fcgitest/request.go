package fcgitest

import (
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"launcher/fcgi"
)

// Request is a request as an application gets it.
type Request struct {
	Params  fcgi.Params
	Body    []byte
	Aborted bool
}

// ReadRequest reads one request to the end of STDIN.
func ReadRequest(conn io.Reader) (*Request, error) {
	req := &Request{}
	records := fcgi.NewRecordReader(conn)
	decoder := fcgi.NewParamsDecoder(1 << 20)
	for {
		record, err := records.Next()
		if err != nil {
			return req, err
		}
		switch {
		case record.Type == fcgi.TypeBeginRequest:
			if fcgi.Role(binary.BigEndian.Uint16(record.Content)) != fcgi.RoleResponder || record.Content[2]&^1 != 0 { // the connection may be kept, or not
				return req, errors.New("unexpected BEGIN_REQUEST")
			}
		case record.Type == fcgi.TypeParams && len(record.Content) > 0:
			if _, err := decoder.Write(record.Content); err != nil {
				return req, err
			}
		case record.Type == fcgi.TypeParams:
			if req.Params, err = decoder.Params(); err != nil {
				return req, err
			}
		case record.Type == fcgi.TypeStdin && len(record.Content) > 0:
			req.Body = append(req.Body, record.Content...)
		case record.Type == fcgi.TypeStdin:
			return req, nil
		case record.Type == fcgi.TypeAbortRequest:
			req.Aborted = true
			return req, nil
		}
	}
}

// ReadHead reads a request up to the end of its parameters.
func ReadHead(t testing.TB, conn io.Reader) {
	t.Helper()
	records := fcgi.NewRecordReader(conn)
	for {
		record, err := records.Next()
		if err != nil {
			t.Errorf("read head: %v", err)
			return
		}
		if record.Type == fcgi.TypeParams && len(record.Content) == 0 {
			return
		}
	}
}
