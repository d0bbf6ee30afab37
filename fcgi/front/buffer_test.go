package front

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"launcher/fcgi/fcgitest"
)

func someBytes(size int) []byte {
	data := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{}).Read(data) // never fails
	return data
}

// drain takes all that comes.
func drain(b *buffer) (all []byte, err error) {
	for {
		piece, _, err := b.next()
		if err != nil {
			return all, err
		}
		all = append(all, piece...)
	}
}

// What is put comes out in its order, whether it is taken beside, afterwards or in turns, and whatever has room.
func TestBufferKeepsOrder(t *testing.T) {
	data := someBytes(1 << 20)
	for name, files := range map[string]*spools{
		"with room":        {dir: t.TempDir(), each: 1 << 30, room: 1 << 30},
		"with little room": {dir: t.TempDir(), each: 100_000, room: 1 << 30},
		"no folder":        {dir: "/nowhere", each: 1 << 30, room: 1 << 30},
		"no room":          {dir: t.TempDir(), each: 1 << 30, room: 10},
	} {
		for _, used := range []int64{0, buffersMemory} {
			owner := &buffers{files: files}
			owner.memory.Store(used)
			b := owner.open()
			go func() {
				piece := slab()
				for rest := data; len(rest) > 0; {
					n := copy(piece, rest[:min(len(rest), 1+len(rest)%50_000)])
					rest = rest[n:]
					if piece, _ = b.hand(piece[:n]); len(piece) != bufferMemory {
						t.Errorf("%d bytes for the next piece", len(piece))
					}
					n = min(len(rest), 100)
					b.put(rest[:n])
					rest = rest[n:]
				}
				b.end(io.EOF)
			}()
			if got, err := drain(b); !errors.Is(err, io.EOF) || !bytes.Equal(got, data) {
				t.Errorf("%s: got %d bytes, %v", name, len(got), err)
			}
			b.close()
			if files.used != 0 || owner.memory.Load() != used {
				t.Errorf("%s: %d bytes of files and %d of memory are lost", name, files.used, owner.memory.Load()-used)
			}
		}
	}
}

// Nobody waits for one that takes nothing, as far as there is room, and a file that was read begins anew.
func TestBufferSpills(t *testing.T) {
	files := &spools{dir: t.TempDir(), each: 1 << 20, room: 1 << 20}
	b := (&buffers{files: files}).open()
	data := someBytes(bufferMemory + 500_000)
	for range 4 { // more than the file may have, all together
		if !b.put(data) || files.used != 500_000 {
			t.Fatalf("%d bytes are in the file", files.used)
		}
		var got []byte
		for len(got) < len(data) {
			piece, last, err := b.next()
			if err != nil || last {
				t.Fatal(last, err)
			}
			got = append(got, piece...)
		}
		if !bytes.Equal(got, data) {
			t.Fatal("got something else")
		}
	}
	b.put([]byte("end"))
	b.end(io.EOF)
	if piece, last, err := b.next(); string(piece) != "end" || !last || err != nil || files.used != 0 {
		t.Errorf("got %q, %v, %v; %d bytes are in the file", piece, last, err, files.used)
	}
	b.close()
}

// Who puts what nobody takes any more is told so, also while he waits.
func TestBufferAbandoned(t *testing.T) {
	b := (&buffers{files: &spools{}}).open() // no room in files
	result := make(chan bool)
	go func() { result <- b.put(make([]byte, bufferMemory+1)) }()
	b.abandon()
	if fcgitest.Await(t, "the end of put", result) || b.put([]byte("x")) {
		t.Error("somebody is said to take it")
	}
}

// longAnswer plays an application that answers with some bytes, and tells when all of them are written.
func longAnswer(t *testing.T, head string, data []byte) (path string, written <-chan struct{}) {
	done := make(chan struct{}, 1)
	return fcgitest.Responder(t, func(conn net.Conn) {
		if _, err := fcgitest.ReadRequest(conn); err != nil {
			return
		}
		_, _ = conn.Write(fcgitest.Stdout(head + "\r\n\r\n"))
		for rest := data; len(rest) > 0; {
			n := min(len(rest), 60_000)
			if _, err := conn.Write(fcgitest.Stdout(string(rest[:n]))); err != nil {
				t.Error(err)
				return
			}
			rest = rest[n:]
		}
		_, _ = conn.Write(fcgitest.End())
		done <- struct{}{}
	}), done
}

// A client that reads nothing holds no worker once its response is buffered, and has all of it when it does.
func TestHandlerBuffersForSlowClient(t *testing.T) {
	data := someBytes(16 << 20) // more than the buffers of the kernel hold
	path, written := longAnswer(t, "A: b", data)
	dir := fcgitest.TempDir(t)
	front, server := serveFront(t, Config{Sockets: []string{path}, SpoolDir: dir})
	conn := raw(t, server, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	fcgitest.Await(t, "the end of the worker's response", written)
	fcgitest.Eventually(t, "the worker to be free", func() bool { busy, _ := front.Load(); return busy == 0 })
	if open := openBelowDir(t, dir); len(open) != 1 {
		t.Errorf("open are %q", open)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(got, data) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	conn.Close()
	server.Close()
	if open := openBelowDir(t, dir); len(open) != 0 || front.buffers.files.used != 0 || front.buffers.memory.Load() != 0 {
		t.Errorf("open are %q, %d bytes of files, %d of memory", open, front.buffers.files.used, front.buffers.memory.Load())
	}
}

// Where there is no more room its worker waits for the client, which has all of the response too.
func TestHandlerBuffersWithinBounds(t *testing.T) {
	data := someBytes(16 << 20)
	path, written := longAnswer(t, "A: b", data)
	front, server := serveFront(t, Config{Sockets: []string{path}, MaxSpools: 1 << 20})
	conn := raw(t, server, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	files := front.buffers.files
	fcgitest.Eventually(t, "the room to be full", func() bool { return !files.hasRoom(bufferMemory) })
	if busy, _ := front.Load(); busy != 1 || len(written) > 0 {
		t.Error("the worker is free")
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(got, data) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

// blockedWriter is a client that takes nothing until it is let go.
type blockedWriter struct {
	*httptest.ResponseRecorder
	writing chan struct{}
	release chan struct{}
}

func (w *blockedWriter) Write(p []byte) (int, error) {
	w.writing <- struct{}{}
	<-w.release
	return w.ResponseRecorder.Write(p)
}

// A response that has come as a whole holds no worker while its first byte is written, and its client knows its length.
func TestHandlerFreesWorkerBeforeItWrites(t *testing.T) {
	front := New(Config{Sockets: []string{fcgitest.Responder(t, fcgitest.After(fcgitest.Whole("A: b", "hello")))}})
	t.Cleanup(front.Close)
	w := &blockedWriter{httptest.NewRecorder(), make(chan struct{}, 1), make(chan struct{})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		front.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	}()
	fcgitest.Await(t, "the first write", w.writing)
	if busy, _ := front.Load(); busy != 0 {
		t.Error("the worker is held")
	}
	close(w.release)
	fcgitest.Await(t, "the end", done)
	if w.Body.String() != "hello" || w.Header().Get("Content-Length") != "5" {
		t.Errorf("got %q, %v", w.Body, w.Header())
	}
}
