package fcgi_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	stdfcgi "net/http/fcgi"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	. "launcher/fcgi"
	"launcher/fcgi/fcgitest"
)

func get() *Request { return &Request{Params: Params{{"REQUEST_METHOD", "GET"}}} }

// fetch does a request and reads its body.
func fetch(ctx context.Context, c *Client, req *Request) (*Response, string, error) {
	resp, err := c.Do(ctx, req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

func TestClientSendsRequest(t *testing.T) {
	var params Params
	for i := range 800 {
		params = append(params, Param{fmt.Sprintf("NAME_%d", i), strings.Repeat("v", i)})
	}
	body := bytes.Repeat([]byte("0123456789"), 30000)
	got := make(chan *fcgitest.Request, 1)
	client := &Client{Network: "unix", MaxParams: 1 << 20, Address: fcgitest.Responder(t, func(conn net.Conn) {
		if req, err := fcgitest.ReadRequest(conn); err == nil {
			got <- req
			_, _ = conn.Write(fcgitest.Whole("A: b", ""))
		}
	})}
	req := &Request{Params: params, Body: io.MultiReader(bytes.NewReader(body), strings.NewReader("more")), ContentLength: int64(len(body))}
	if _, _, err := fetch(fcgitest.Context(t), client, req); err != nil {
		t.Fatal(err)
	}
	sent := fcgitest.Await(t, "the request", got)
	if want := append(slices.Clone(params), Param{"CONTENT_LENGTH", strconv.Itoa(len(body))}); !slices.Equal(sent.Params, want) {
		t.Error("parameters differ")
	}
	if !bytes.Equal(sent.Body, body) {
		t.Errorf("got a body of %d bytes, want %d", len(sent.Body), len(body))
	}
}

func TestClientRefusesBadRequests(t *testing.T) {
	for name, req := range map[string]*Request{
		"negative length":    {ContentLength: -1},
		"length and no body": {ContentLength: 1},
		"other length":       {Params: Params{{"CONTENT_LENGTH", "2"}}, ContentLength: 1, Body: strings.NewReader("a")},
		"line feed":          {Params: Params{{"A", "b\n"}}},
		"too large":          {Params: Params{{"A", strings.Repeat("b", 70000)}}},
	} {
		_, err := (&Client{Network: "unix", Address: "/nowhere"}).Do(fcgitest.Context(t), req)
		var failed *Error
		if !errors.As(err, &failed) || failed.Stage != StageEncode || NothingSent(err) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestClientConnectErrors(t *testing.T) {
	dir := fcgitest.TempDir(t)
	dead := filepath.Join(dir, "dead")
	listener := fcgitest.Listen(t, dead)
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	listener.Close()
	for path, want := range map[string]error{filepath.Join(dir, "none"): syscall.ENOENT, dead: syscall.ECONNREFUSED} {
		_, err := (&Client{Network: "unix", Address: path}).Do(fcgitest.Context(t), get())
		if !NothingSent(err) || !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}

func TestClientRequestBodyFails(t *testing.T) {
	aborted := make(chan bool, 1)
	client := &Client{Network: "unix", Address: fcgitest.Responder(t, func(conn net.Conn) {
		req, _ := fcgitest.ReadRequest(conn)
		aborted <- req.Aborted
	})}
	_, err := client.Do(fcgitest.Context(t), &Request{Body: strings.NewReader("short"), ContentLength: 10})
	if !errors.Is(err, ErrRequestBody) || !errors.Is(err, io.ErrUnexpectedEOF) || NothingSent(err) {
		t.Errorf("got %v", err)
	}
	if !fcgitest.Await(t, "the abort", aborted) {
		t.Error("application was not told")
	}
}

// The responder of the standard library is an independent peer.
func TestClientWithStandardResponder(t *testing.T) {
	listener := fcgitest.Listen(t, filepath.Join(fcgitest.TempDir(t), "s"))
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = stdfcgi.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Path", r.URL.Path)
			w.WriteHeader(http.StatusTeapot)
			if r.ContentLength != 0 { // all that have no body share one reader, without a lock
				_, _ = io.Copy(w, r.Body)
			}
		}))
	}()
	defer func() {
		listener.Close()
		<-served
	}()
	body := strings.Repeat("0123456789", 50000)
	resp, got, err := fetch(fcgitest.Context(t), &Client{Network: "unix", Address: listener.Addr().String()}, &Request{
		Params: Params{{"REQUEST_METHOD", "POST"}, {"REQUEST_URI", "/a?b"}, {"SERVER_PROTOCOL", "HTTP/1.1"}},
		Body:   strings.NewReader(body), ContentLength: int64(len(body)),
	})
	if err != nil || resp.Status != http.StatusTeapot || resp.Header.Get("X-Path") != "/a" || got != body {
		t.Errorf("got %+v, %d bytes, %v", resp, len(got), err)
	}
	values, err := Probe(fcgitest.Context(t), "unix", listener.Addr().String())
	if err != nil || values[ValueMpxConns] != "1" {
		t.Errorf("got %v, %v", values, err)
	}
}
