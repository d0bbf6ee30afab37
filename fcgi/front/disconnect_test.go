package front

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"launcher/fcgi"
	"launcher/fcgi/fcgitest"
)

// streaming plays an application that sends a chunk whenever one is asked for, and looks after each
// whether the request was aborted.
func streaming(t *testing.T, next <-chan struct{}, ended chan<- string) string {
	return fcgitest.Responder(t, func(conn net.Conn) {
		if _, err := fcgitest.ReadRequest(conn); err != nil {
			return
		}
		aborted := make(chan struct{})
		go func() {
			if record, err := fcgi.NewRecordReader(conn).Next(); err == nil && record.Type == fcgi.TypeAbortRequest {
				close(aborted)
			}
		}()
		_, _ = conn.Write(fcgitest.Stdout("A: b\r\n\r\n"))
		for {
			select {
			case <-aborted:
				ended <- "aborted"
				_, _ = conn.Write(fcgitest.End())
				return
			case _, more := <-next:
				if !more {
					ended <- "whole"
					_, _ = conn.Write(fcgitest.End())
					return
				}
				if _, err := conn.Write(fcgitest.Stdout("chunk\n")); err != nil {
					ended <- err.Error()
					return
				}
			case <-time.After(fcgitest.Patience):
				ended <- "nothing"
				return
			}
		}
	})
}

// An application that goes on with a response whose client has gone is told so, and its worker is free
// as soon as it has stopped.
func TestHandlerTellsWorkerThatClientLeft(t *testing.T) {
	next, ended := make(chan struct{}), make(chan string, 2)
	front, server := serveFront(t, Config{Sockets: []string{streaming(t, next, ended)}, AbortAfter: fcgitest.Patience, AbandonLimit: fcgitest.Patience})
	conn := raw(t, server, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	for stopped := false; !stopped; {
		select {
		case next <- struct{}{}:
		case how := <-ended:
			if stopped = true; how != "aborted" {
				t.Errorf("the worker ended: %s", how)
			}
		}
	}
	fcgitest.Eventually(t, "the worker", func() bool { busy, _ := front.Load(); return busy == 0 })
}

// A client that sends nothing more is told from one that has gone when nothing is written to it: after a
// while.
func TestHandlerTellsWorkerOfSilentClient(t *testing.T) {
	ended := make(chan string, 1)
	_, server := serveFront(t, Config{Sockets: []string{streaming(t, nil, ended)}, AbortAfter: time.Millisecond, AbandonLimit: fcgitest.Patience})
	conn := raw(t, server, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if how := fcgitest.Await(t, "the end of the worker", ended); how != "aborted" {
		t.Errorf("the worker ended: %s", how)
	}
}

// A client that has closed its sending side still reads.
func TestHandlerHalfClosedClient(t *testing.T) {
	next, ended := make(chan struct{}), make(chan string, 1)
	_, server := serveFront(t, Config{Sockets: []string{streaming(t, next, ended)}, AbortAfter: fcgitest.Patience})
	conn := raw(t, server, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		fcgitest.Send(t, "the next chunk", next, struct{}{})
		if _, err := io.ReadFull(resp.Body, make([]byte, len("chunk\n"))); err != nil {
			t.Fatal(err)
		}
	}
	close(next)
	if rest, err := io.ReadAll(resp.Body); err != nil || len(rest) != 0 {
		t.Errorf("got %q, %v", rest, err)
	}
	if how := fcgitest.Await(t, "the end of the worker", ended); how != "whole" {
		t.Errorf("the worker ended: %s", how)
	}
}

// It is not cut while it takes what is written to it, however long that lasts.
func TestHandlerHalfClosedClientReadsOn(t *testing.T) {
	f := New(Config{AbortAfter: time.Hour, AbandonLimit: time.Hour})
	client, leave := context.WithCancel(fcgitest.Context(t))
	left := f.watch(client)
	defer left.end()
	wrote := func() bool {
		left.mu.Lock()
		defer left.mu.Unlock()
		return left.wrote
	}
	left.noteWrite(client) // before it has ended what it sends: of no interest
	if wrote() {
		t.Error("a write to a whole connection counts")
	}
	leave()
	left.noteWrite(client)
	fcgitest.Eventually(t, "the write to be noticed", func() bool { return !wrote() })
	if left.aborted() {
		t.Error("the worker was told")
	}
}

// It reads errors as well.
func TestHandlerHalfClosedClientIsTold(t *testing.T) {
	started, die := make(chan struct{}), make(chan struct{})
	path := fcgitest.Responder(t, func(conn net.Conn) {
		_, _ = fcgitest.ReadRequest(conn)
		close(started)
		<-die
	})
	_, server := serveFront(t, Config{Sockets: []string{path}})
	conn := raw(t, server, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	fcgitest.Await(t, "the request", started)
	close(die)
	if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || resp.StatusCode != 502 {
		t.Errorf("got %v, %v", resp, err)
	}
}

// What is cut because the worker was told must not look whole to a client that reads on.
func TestHandlerAbortedResponseIsNotWhole(t *testing.T) {
	ended := make(chan string, 1)
	_, server := serveFront(t, Config{Sockets: []string{streaming(t, nil, ended)}, AbortAfter: time.Millisecond})
	conn := raw(t, server, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(resp.Body); err == nil {
		t.Error("a cut response looks whole")
	}
}

// A worker that goes on for ever with what nobody waits for gets no other request, though it is the first in
// the order, and is asked again once it answers.
func TestHandlerLeavesHungWorkerAlone(t *testing.T) {
	for name, head := range map[string]string{"before the head": "", "in the body": "A: b\r\n\r\n", "beside a file": "X-Sendfile: /x\r\n\r\n"} {
		t.Run(name, func(t *testing.T) { leavesHungWorkerAlone(t, head) })
	}
}

func leavesHungWorkerAlone(t *testing.T, head string) {
	one, started, finish := make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	hung := fcgitest.Responder(t, func(conn net.Conn) {
		one <- struct{}{} // it is alone in its process
		defer func() { <-one }()
		record, err := fcgi.NewRecordReader(conn).Next()
		switch {
		case err != nil:
		case record.Type == fcgi.TypeGetValues:
			_, _ = conn.Write(fcgi.AppendRecord(nil, fcgi.TypeGetValuesResult, 0, nil))
		default:
			if head != "" {
				_, _ = conn.Write(fcgitest.Stdout(head))
			}
			close(started)
			<-finish
		}
	})
	log := &fcgitest.Log{}
	front, server := serveFront(t, Config{Sockets: []string{hung, fcgitest.Responder(t, fcgitest.After(fcgitest.Whole("A: b", "good")))}, Log: log.Logger(),
		AbortAfter: time.Millisecond, AbandonLimit: time.Millisecond})
	conn := raw(t, server, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	fcgitest.Await(t, "the request", started)
	conn.Close()
	fcgitest.Eventually(t, "the end of fcgitest.Patience", func() bool { return log.Contains("gets no other meanwhile") })
	for range 3 {
		if _, body := ask(t, newRequest(t, "GET", server.URL, nil)); body != "good" {
			t.Errorf("got %q", body)
		}
	}
	if busy, _ := front.Load(); busy != 1 {
		t.Errorf("%d are busy", busy)
	}
	close(finish)
	fcgitest.Eventually(t, "the worker to be asked again", func() bool { busy, _ := front.Load(); return busy == 0 })
}

// Nobody asks a worker that goes on once the front is closed, which would not wait for the answer.
func TestHandlerClosedProbesNone(t *testing.T) {
	f := New(Config{Sockets: []string{"/nowhere"}})
	s, err := f.pool.acquire(fcgitest.Context(t), time.Now().Add(fcgitest.Patience), false)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	f.giveBack(s, errAbandoned)
	if busy, _ := f.Load(); busy != 0 {
		t.Error("the socket is still busy")
	}
}

// It may be closed while workers are given up.
func TestHandlerClosesWhileProbing(t *testing.T) {
	for range 50 {
		f := New(Config{Sockets: []string{"/nowhere"}})
		s, err := f.pool.acquire(fcgitest.Context(t), time.Now().Add(fcgitest.Patience), false)
		if err != nil {
			t.Fatal(err)
		}
		given := make(chan struct{})
		go func() {
			defer close(given)
			f.giveBack(s, errAbandoned)
		}()
		f.Close()
		<-given
		if busy, _ := f.Load(); busy != 0 {
			t.Error("the socket is still busy")
		}
	}
}
