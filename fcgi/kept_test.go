package fcgi_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	. "launcher/fcgi"
	"launcher/fcgi/fcgitest"
)

// keeping plays an application that keeps connections: what is to be done with the request of such a number on a
// connection, counted from 1, is the test's to say. It counts connections and the requests that were read.
type keeping struct {
	connections, requests atomic.Int32
}

func (k *keeping) on(t *testing.T, serve func(conn net.Conn, nth int) bool) *Client {
	client := &Client{Network: "unix", Keep: &Kept{}, Address: fcgitest.Responder(t, func(conn net.Conn) {
		k.connections.Add(1)
		for nth := 1; serve(conn, nth); nth++ {
		}
	})}
	t.Cleanup(client.Keep.Close) // before the application's end is waited for
	return client
}

// respond reads a request and responds to it.
func (k *keeping) respond(conn net.Conn) bool {
	if _, err := fcgitest.ReadRequest(conn); err != nil {
		return false
	}
	k.requests.Add(1)
	_, err := conn.Write(fcgitest.Whole("A: b", "x"))
	return err == nil
}

func mustFetch(t *testing.T, client *Client, req *Request) {
	t.Helper()
	if resp, body, err := fetch(fcgitest.Context(t), client, req); err != nil || body != "x" {
		t.Fatalf("got %v, %q, %v", resp, body, err)
	}
}

func TestClientKeepsConnection(t *testing.T) {
	app := &keeping{}
	client := app.on(t, func(conn net.Conn, _ int) bool { return app.respond(conn) })
	for range 3 {
		mustFetch(t, client, get())
		if _, body, err := fetch(fcgitest.Context(t), client, &Request{Params: Params{{"REQUEST_METHOD", "HEAD"}}, Call: &Call{}}); err != nil || body != "" {
			t.Fatalf("got %q, %v", body, err)
		}
	}
	if n := app.connections.Load(); n != 1 {
		t.Errorf("made %d connections", n)
	}
}

// Others have connections of their own, and a worker never has two of them in hand.
func TestClientKeepsOnlyWhatCanBeSentAgain(t *testing.T) {
	for name, other := range map[string]func() *Request{
		"POST":           func() *Request { return &Request{Params: Params{{"REQUEST_METHOD", "POST"}}} },
		"body":           func() *Request { return &Request{Params: get().Params, Body: strings.NewReader("a"), ContentLength: 1} },
		"body in memory": func() *Request { return &Request{Params: get().Params, Content: []byte("a")} },
		"more than a record of the socket": func() *Request {
			return &Request{Params: append(get().Params, Param{"A", strings.Repeat("x", 40_000)})}
		},
	} {
		t.Run(name, func(t *testing.T) {
			app := &keeping{}
			client := app.on(t, func(conn net.Conn, _ int) bool { return app.respond(conn) })
			mustFetch(t, client, get())
			mustFetch(t, client, other())
			mustFetch(t, client, other())
			mustFetch(t, client, get())
			mustFetch(t, client, get())
			if n := app.connections.Load(); n != 4 {
				t.Errorf("made %d connections", n)
			}
		})
	}
}

// A response that is not over leaves nothing for the next request to stumble on.
func TestClientKeepsNoBrokenConnection(t *testing.T) {
	for name, end := range map[string]func(resp *Response, call *Call){
		"closed early": func(resp *Response, _ *Call) {},
		"aborted": func(resp *Response, call *Call) {
			call.Abort()
			_, _ = io.ReadAll(resp.Body)
		},
		"given up": func(resp *Response, call *Call) {
			call.GiveUp(errors.New("enough"))
			_, _ = io.ReadAll(resp.Body)
		},
	} {
		t.Run(name, func(t *testing.T) {
			app := &keeping{}
			client := app.on(t, func(conn net.Conn, _ int) bool { return app.respond(conn) })
			call := &Call{}
			req := get()
			req.Call = call
			resp, err := client.Do(fcgitest.Context(t), req)
			if err != nil {
				t.Fatal(err)
			}
			end(resp, call)
			_ = resp.Body.Close()
			mustFetch(t, client, get())
			if n := app.connections.Load(); n != 2 {
				t.Errorf("made %d connections", n)
			}
		})
	}
}

// What comes for a request that is over does not reach the one after it.
func TestCallEndsWithItsRequest(t *testing.T) {
	app := &keeping{}
	client := app.on(t, func(conn net.Conn, _ int) bool { return app.respond(conn) })
	first := get()
	first.Call = &Call{}
	mustFetch(t, client, first)
	resp, err := client.Do(fcgitest.Context(t), get())
	if err != nil {
		t.Fatal(err)
	}
	first.Call.Abort()
	first.Call.GiveUp(errors.New("enough"))
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "x" {
		t.Errorf("got %q, %v", body, err)
	}
	_ = resp.Body.Close()
	mustFetch(t, client, get())
	if n := app.connections.Load(); n != 1 {
		t.Errorf("made %d connections", n)
	}
}

// A worker that leaves closes what it has kept, before the next request or with it unread, and loses nothing. One that stays and reads
// nothing loses nothing either.
func TestClientSendsUnreadRequestAnew(t *testing.T) {
	for name, leave := range map[string]func(t *testing.T, conn net.Conn, over <-chan struct{}){
		"closed":              func(*testing.T, net.Conn, <-chan struct{}) {},
		"closed with it":      func(t *testing.T, conn net.Conn, _ <-chan struct{}) { awaitUnread(t, conn) },
		"not read by anybody": func(_ *testing.T, _ net.Conn, over <-chan struct{}) { <-over },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, over, left := &keeping{}, make(chan struct{}), make(chan struct{}, 1)
			defer close(over)
			client := app.on(t, func(conn net.Conn, nth int) bool {
				if app.connections.Load() == 1 && nth == 2 {
					leave(t, conn, over)
					_ = conn.Close()
					left <- struct{}{}
					return false
				}
				return app.respond(conn)
			})
			mustFetch(t, client, get())
			if name == "closed" {
				fcgitest.Await(t, "the worker to leave", left)
			}
			mustFetch(t, client, get())
			if n, r := app.connections.Load(), app.requests.Load(); n != 2 || r != 2 {
				t.Errorf("made %d connections, %d requests were read", n, r)
			}
		})
	}
}

// awaitUnread waits until something can be read, and leaves it there.
func awaitUnread(t *testing.T, conn net.Conn) {
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		t.Error(err)
		return
	}
	err = raw.Read(func(fd uintptr) bool {
		n, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK)
		return n > 0 || !errors.Is(err, syscall.EAGAIN)
	})
	if err != nil {
		t.Error(err)
	}
}

// A request that was read is not sent anew, whatever became of its worker.
func TestClientSendsNothingTwice(t *testing.T) {
	app := &keeping{}
	client := app.on(t, func(conn net.Conn, nth int) bool {
		if nth == 2 {
			_, _ = fcgitest.ReadRequest(conn)
			app.requests.Add(1)
			return false
		}
		return app.respond(conn)
	})
	mustFetch(t, client, get())
	if _, _, err := fetch(fcgitest.Context(t), client, get()); !Unanswered(err) || NothingSent(err) {
		t.Errorf("got %v", err)
	}
	if n, r := app.connections.Load(), app.requests.Load(); n != 1 || r != 2 {
		t.Errorf("made %d connections, %d requests were read", n, r)
	}
}

// No worker has a connection without a request for long.
func TestClientLetsConnectionGo(t *testing.T) {
	t.Parallel()
	app, ended := &keeping{}, make(chan struct{})
	client := app.on(t, func(conn net.Conn, nth int) bool {
		if app.respond(conn) {
			return true
		}
		close(ended)
		return false
	})
	mustFetch(t, client, get())
	fcgitest.Await(t, "the end of the connection", ended)
}

// Nothing is kept once the end has come.
func TestKeptClosed(t *testing.T) {
	app, ended := &keeping{}, make(chan struct{}, 2)
	client := app.on(t, func(conn net.Conn, nth int) bool {
		if app.respond(conn) {
			return true
		}
		ended <- struct{}{}
		return false
	})
	mustFetch(t, client, get())
	client.Keep.Close()
	fcgitest.Await(t, "the end of the connection", ended)
	mustFetch(t, client, get())
	fcgitest.Await(t, "the end of the next one", ended)
}

// One that nobody reads is sent anew also where the connection was not to be kept any longer.
func TestClosedWhileRequestIsUnread(t *testing.T) {
	t.Parallel()
	app, over := &keeping{}, make(chan struct{})
	defer close(over)
	var client *Client
	client = app.on(t, func(conn net.Conn, nth int) bool {
		if app.connections.Load() == 1 && nth == 2 {
			awaitUnread(t, conn)
			client.Keep.Close()
			<-over
			return false
		}
		return app.respond(conn)
	})
	mustFetch(t, client, get())
	mustFetch(t, client, get())
	if n, r := app.connections.Load(), app.requests.Load(); n != 2 || r != 2 {
		t.Errorf("made %d connections, %d requests were read", n, r)
	}
}

// A client may leave at the moment when its request turns out to be unread.
func TestAbortBesideSendingAnew(t *testing.T) {
	for range 20 {
		app, left := &keeping{}, make(chan struct{}, 1)
		client := app.on(t, func(conn net.Conn, nth int) bool {
			if app.connections.Load() == 1 && nth == 2 {
				awaitUnread(t, conn)
				_ = conn.Close()
				left <- struct{}{}
				return false
			}
			return app.respond(conn)
		})
		mustFetch(t, client, get())
		request := get()
		request.Call = &Call{}
		over, aborted := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(aborted)
			<-left
			for {
				request.Call.Abort()
				select {
				case <-over:
					return
				default:
				}
			}
		}()
		_, _, _ = fetch(fcgitest.Context(t), client, request) // it may be sent anew or not
		close(over)
		<-aborted
	}
}

// To close a body again does nothing to the response that has its memory by then.
func TestBodyClosedAgain(t *testing.T) {
	app := &keeping{}
	client := app.on(t, func(conn net.Conn, _ int) bool { return app.respond(conn) })
	for range 20 {
		resp, err := client.Do(fcgitest.Context(t), get())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(resp.Body); err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			_ = resp.Body.Close()
		}()
		mustFetch(t, client, get())
		<-closed
	}
}
