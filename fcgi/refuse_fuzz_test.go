package fcgi_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	. "launcher/fcgi"
)

// recorder is a pipeConn that keeps what is written to it.
type recorder struct {
	pipeConn
	written bytes.Buffer
	closed  int
}

func (r *recorder) Write(b []byte) (int, error)      { return r.written.Write(b) }
func (r *recorder) SetReadDeadline(time.Time) error  { return nil }
func (r *recorder) SetWriteDeadline(time.Time) error { return nil }
func (r *recorder) Close() error                     { r.closed++; return nil }

// FuzzRefuse: whatever a peer sends, it gets whole answers to its own requests or nothing, and the connection is closed once.
func FuzzRefuse(f *testing.F) {
	f.Add(slices.Concat(AppendBeginRequest(nil, 9, RoleResponder), AppendRecord(nil, TypeParams, 9, nil), AppendRecord(nil, TypeStdin, 9, []byte("body"))))
	f.Add(AppendBeginRequest(nil, 9, 99))
	kept := AppendBeginRequest(nil, 9, RoleResponder)
	kept[HeaderLen+2] = 1 // FCGI_KEEP_CONN
	f.Add(slices.Concat(kept, AppendRecord(nil, TypeParams, 9, nil), AppendRecord(nil, TypeStdin, 9, []byte("body")),
		AppendBeginRequest(nil, 8, RoleResponder), AppendRecord(nil, TypeParams, 8, nil)))
	f.Add(AppendRecord(nil, TypeGetValues, 0, nil))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, input []byte) {
		conn := &recorder{pipeConn: pipeConn{r: bytes.NewReader(input)}}
		err := Refuse(conn, 503, "busy\n", time.Second)
		if conn.closed != 1 {
			t.Errorf("closed %d times", conn.closed)
		}
		records := NewRecordReader(&conn.written)
		count := 0
		var last Record
		for {
			record, broken := records.Next()
			if errors.Is(broken, io.EOF) {
				break
			}
			if broken != nil || record.ID == 0 || count > 0 && last.Type != TypeEndRequest && record.ID != last.ID {
				t.Fatalf("record %d: %v, %v", count, record, broken)
			}
			last = Record{Type: record.Type, ID: record.ID}
			count++
		}
		if (count > 0) != (err == nil) || count > 0 && last.Type != TypeEndRequest {
			t.Errorf("%d records, the last %s, and %v", count, last.Type, err)
		}
	})
}
