package front

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"launcher/fcgi/fcgitest"
)

func TestHandlerWithStandardResponder(t *testing.T) {
	path := standard(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/204":
			w.WriteHeader(http.StatusNoContent)
		case "/304":
			w.WriteHeader(http.StatusNotModified)
		default:
			w.Header().Set("X-Seen", r.Method+" "+r.Host+" "+r.URL.RequestURI())
			w.Header().Set("Connection", "X-Hop")
			w.Header().Set("X-Hop", "1")
			w.Header().Set("Keep-Alive", "1")
			if r.ContentLength != 0 { // all that have no body share one reader, without a lock
				_, _ = io.Copy(w, r.Body)
			}
		}
	})
	_, server := serveFront(t, Config{Sockets: []string{path}})
	large := strings.Repeat("0123456789", 100000)
	// A reader of an unknown type has an unknown length.
	chunked := func(s string) io.Reader { return io.MultiReader(strings.NewReader(s)) }
	tests := []struct {
		name, method, path string
		body               io.Reader
		expect             bool
		status             int
		want               string
	}{
		{name: "GET", method: "GET", path: "/a%20b?c=d", status: 200},
		{name: "HEAD", method: "HEAD", path: "/", status: 200},
		{name: "POST", method: "POST", path: "/", body: strings.NewReader("hello"), status: 200, want: "hello"},
		{name: "large POST", method: "POST", path: "/", body: strings.NewReader(large), status: 200, want: large},
		{name: "POST with Expect", method: "POST", path: "/", body: strings.NewReader(large), expect: true, status: 200, want: large},
		{name: "chunked PUT", method: "PUT", path: "/", body: chunked(large), status: 200, want: large},
		{name: "chunked with Expect", method: "PUT", path: "/", body: chunked("x"), expect: true, status: 200, want: "x"},
		{name: "chunked and empty", method: "POST", path: "/", body: chunked(""), status: 200},
		{name: "204", method: "GET", path: "/204", status: 204},
		{name: "304", method: "GET", path: "/304", status: 304},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			req := newRequest(t, test.method, server.URL+test.path, test.body)
			if test.expect {
				req.Header.Set("Expect", "100-continue")
			}
			resp, body := ask(t, req)
			if resp.StatusCode != test.status || body != test.want {
				t.Errorf("got %s, %d bytes", resp.Status, len(body))
			}
			if test.status != 200 {
				return
			}
			if got, want := resp.Header.Get("X-Seen"), test.method+" "+req.Host+" "+test.path; got != want {
				t.Errorf("application saw %q, want %q", got, want)
			}
			if resp.Header.Get("X-Hop") != "" || resp.Header.Get("Keep-Alive") != "" {
				t.Errorf("hop-by-hop headers passed: %v", resp.Header)
			}
		})
	}
}

func TestHandlerRefusals(t *testing.T) {
	_, server := serveFront(t, Config{Sockets: []string{fcgitest.Responder(t, fcgitest.After(fcgitest.Whole("A: b", "ok")))}, MaxBody: 1000, Prefix: "shop/"})
	upgrade := newRequest(t, "GET", server.URL+"/shop/cable", nil)
	upgrade.Header.Set("Connection", "Upgrade")
	upgrade.Header.Set("Upgrade", "websocket")
	fat := newRequest(t, "GET", server.URL+"/shop", nil)
	fat.Header.Set("X-Fat", strings.Repeat("x", 70000))
	badHost := newRequest(t, "GET", server.URL+"/shop", nil)
	badHost.Host = "a:b"
	h2c := newRequest(t, "GET", server.URL+"/shop", nil)
	h2c.Header.Set("Connection", "Upgrade, HTTP2-Settings")
	h2c.Header.Set("Upgrade", "h2c")
	tests := map[string]struct {
		req    *http.Request
		status int
	}{
		"websocket":        {upgrade, 501},
		"h2c is ignored":   {h2c, 200},
		"large headers":    {fat, 431},
		"bad host":         {badHost, 400},
		"outside":          {newRequest(t, "GET", server.URL+"/other", nil), 404},
		"beside":           {newRequest(t, "GET", server.URL+"/shopping", nil), 404},
		"prefix":           {newRequest(t, "GET", server.URL+"/shop", nil), 200},
		"below":            {newRequest(t, "GET", server.URL+"/shop/x", nil), 200},
		"line feed":        {newRequest(t, "GET", server.URL+"/shop/%0a", nil), 400},
		"NUL":              {newRequest(t, "GET", server.URL+"/shop/%00", nil), 400},
		"spool too large":  {newRequest(t, "POST", server.URL+"/shop", io.MultiReader(bytes.NewReader(make([]byte, 1001)))), 413},
		"body too large":   {newRequest(t, "POST", server.URL+"/shop", bytes.NewReader(make([]byte, 1001))), 413},
		"spool just right": {newRequest(t, "POST", server.URL+"/shop", io.MultiReader(bytes.NewReader(make([]byte, 1000)))), 200},
	}
	for name, test := range tests {
		if resp, body := ask(t, test.req); resp.StatusCode != test.status {
			t.Errorf("%s: got %s: %s", name, resp.Status, body)
		}
	}
}

func TestHandlerSpoolLeavesNothing(t *testing.T) {
	dir := fcgitest.TempDir(t)
	seen := make(chan int, 1)
	path := fcgitest.Responder(t, func(conn net.Conn) {
		req, err := fcgitest.ReadRequest(conn)
		entries, dirErr := os.ReadDir(dir)
		if err != nil || dirErr != nil || len(entries) > 0 {
			t.Errorf("%v, %v, %v", err, dirErr, entries)
		}
		seen <- len(req.Body)
		_, _ = conn.Write(fcgitest.Whole("A: b", ""))
	})
	_, server := serveFront(t, Config{Sockets: []string{path}, SpoolDir: dir})
	ask(t, newRequest(t, "POST", server.URL, io.MultiReader(bytes.NewReader(make([]byte, 100000)))))
	if got := fcgitest.Await(t, "the request", seen); got != 100000 {
		t.Errorf("got %d bytes", got)
	}
}
