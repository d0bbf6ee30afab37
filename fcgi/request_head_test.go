package fcgi_test

import (
	"net"
	"strings"
	"testing"

	. "launcher/fcgi"
	"launcher/fcgi/fcgitest"
)

// What is in memory leaves in one piece, in the shape that workers read at once: BEGIN_REQUEST of request 1, one record of PARAMS, and the
// end of all streams.
func TestClientSendsInOnePiece(t *testing.T) {
	params := Params{{"REQUEST_METHOD", "POST"}, {"A", strings.Repeat("b", 200)}}
	encoded, err := params.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	withLength, err := Params{{"CONTENT_LENGTH", "3"}}.Append(encoded[:len(encoded):len(encoded)])
	if err != nil {
		t.Fatal(err)
	}
	opening := func(encoded []byte) []byte {
		return AppendRecord(AppendRecord(AppendBeginRequest(nil, 1, RoleResponder), TypeParams, 1, encoded), TypeParams, 1, nil)
	}
	for name, test := range map[string]struct {
		content []byte
		want    []byte
	}{
		"no body": {nil, AppendRecord(opening(encoded), TypeStdin, 1, nil)},
		"body":    {[]byte("abc"), AppendRecord(AppendRecord(opening(withLength), TypeStdin, 1, []byte("abc")), TypeStdin, 1, nil)},
	} {
		t.Run(name, func(t *testing.T) {
			got := make(chan string, 1)
			client := &Client{Network: "unix", Address: fcgitest.Responder(t, func(conn net.Conn) {
				piece := make([]byte, 1<<16)
				n, _ := conn.Read(piece)
				got <- string(piece[:n])
				_, _ = conn.Write(fcgitest.Whole("A: b", "x"))
			})}
			if _, _, err := fetch(fcgitest.Context(t), client, &Request{Params: params, Content: test.content}); err != nil {
				t.Fatal(err)
			}
			if sent := fcgitest.Await(t, "the request", got); sent != string(test.want) {
				t.Errorf("got %q, want %q", sent, test.want)
			}
		})
	}
	_, err = (&Client{Network: "unix", Address: "/nowhere"}).Do(fcgitest.Context(t),
		&Request{Content: []byte("a"), Body: strings.NewReader("a"), ContentLength: 1})
	if err == nil || NothingSent(err) {
		t.Errorf("two bodies: got %v", err)
	}
}
