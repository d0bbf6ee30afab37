package fcgi_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"testing"
	"time"

	. "launcher/fcgi"
	"launcher/fcgi/fcgitest"
)

func TestProbe(t *testing.T) {
	pairs := func(params Params) []byte {
		encoded, err := params.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		return encoded
	}
	tests := []struct {
		name   string
		output []byte
		want   map[string]string
		err    error
	}{
		{"values", AppendRecord(nil, TypeGetValuesResult, 0, pairs(Params{{ValueMaxConns, "1"}, {ValueMpxConns, "0"}})),
			map[string]string{ValueMaxConns: "1", ValueMpxConns: "0"}, nil},
		{"no values", AppendRecord(nil, TypeGetValuesResult, 0, nil), nil, nil},
		{"unknown type", AppendRecord(nil, TypeUnknownType, 0, make([]byte, 8)), nil, nil},
		{"short unknown type", AppendRecord(nil, TypeUnknownType, 0, nil), nil, ErrRecordContent},
		{"wrong id", AppendRecord(nil, TypeGetValuesResult, 1, nil), nil, ErrRequestID},
		{"wrong type", AppendRecord(nil, TypeStdout, 0, nil), nil, ErrRecordType},
		{"truncated pair", AppendRecord(nil, TypeGetValuesResult, 0, []byte("\x05\x05a")), nil, ErrParamsTruncated},
		{"huge pair", AppendRecord(nil, TypeGetValuesResult, 0, []byte("\xff\xff\xff\xff\xff\xff\xff\xff")), nil, ErrParamsTooLarge},
		{"nothing", nil, nil, io.ErrUnexpectedEOF},
		{"http", []byte("HTTP/1.1 400 Bad Request\r\n"), nil, ErrVersion},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			asked := make(chan Params, 1)
			path := fcgitest.Responder(t, func(conn net.Conn) {
				record, err := NewRecordReader(conn).Next()
				if err != nil || record.Type != TypeGetValues || record.ID != 0 {
					return
				}
				decoder := NewParamsDecoder(MaxContent)
				_, _ = decoder.Write(record.Content)
				params, _ := decoder.Params()
				asked <- params
				_, _ = conn.Write(test.output)
			})
			got, err := Probe(fcgitest.Context(t), "unix", path)
			if !errors.Is(err, test.err) || !maps.Equal(got, test.want) {
				t.Errorf("got %v, %v, want %v, %v", got, err, test.want, test.err)
			}
			if params := fcgitest.Await(t, "the probe", asked); len(params) != 3 {
				t.Errorf("asked for %v", params)
			}
		})
	}
}

// A listener that nobody accepts from takes connections, and must not pass.
func TestProbeUnattended(t *testing.T) {
	listener := fcgitest.Listen(t, fcgitest.TempDir(t)+"/s")
	defer listener.Close()
	ctx, cancel := context.WithTimeout(fcgitest.Context(t), 30*time.Millisecond)
	defer cancel()
	if _, err := Probe(ctx, "unix", listener.Addr().String()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}
