//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// transferBytes is the size of the large body of the tests; a search has 100 MB.
func transferBytes(t *testing.T) int {
	t.Helper()
	text := os.Getenv("LAUNCHER_TEST_TRANSFER_BYTES")
	if text == "" {
		return 8_000_000
	}
	size, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return size
}

// TestServersTransfers: large bodies in both directions, uploads without a length and such that come slowly, streams.
func TestServersTransfers(t *testing.T) {
	eachServer(t, func(t *testing.T, s webServer) {
		b := startServed(t, s)
		t.Run("upload", func(t *testing.T) {
			data := randomBytes(transferBytes(t))
			if got := b.ask(t, http.MethodPost, "/echo", bytes.NewReader(data)).expect(t, 200); got.body != string(data) {
				t.Errorf("%d bytes of %d came back, or others", len(got.body), len(data))
			}
		})
		t.Run("download", func(t *testing.T) {
			size := transferBytes(t) / 10 * 10
			if got := b.get(t, fmt.Sprintf("/big?bytes=%d", size)).expect(t, 200); got.body != strings.Repeat("0123456789", size/10) {
				t.Errorf("%d bytes of %d, or others", len(got.body), size)
			}
		})
		t.Run("chunked upload", func(t *testing.T) {
			small, data := randomBytes(5000), randomBytes(300_000)
			if got := b.ask(t, http.MethodPost, "/echo", struct{ io.Reader }{bytes.NewReader(small)}).expect(t, 200); got.body != string(small) {
				t.Errorf("%d bytes of %d, or others", len(got.body), len(small))
			}
			got := fetch(client(), http.MethodPost, b.url+"/echo", struct{ io.Reader }{bytes.NewReader(data)})
			switch {
			case s.chunked > 0 && got.err != nil: // it is refused while it is still sent
			case s.chunked > 0:
				got.expect(t, s.chunked)
			case got.expect(t, 200).body != string(data):
				t.Errorf("%d bytes of %d, or others", len(got.body), len(data))
			}
		})
		t.Run("slow uploads", func(t *testing.T) { b.slowUploads(t, s) })
		t.Run("stream", func(t *testing.T) { b.streams(t, "") })
		t.Run("stream by call", func(t *testing.T) { b.streams(t, "&body=call") })
		t.Run("broken off", func(t *testing.T) { b.breaksOff(t, s) })
	})
}

// breaksOff has a response end too early, once its client has a part of it: one that ends so at once lighttpd and Apache may take for
// a whole one.
func (b browser) breaksOff(t *testing.T, s webServer) {
	gate := b.gate(t)
	response, err := client().Get(b.url + "/cut?gate=" + gate + ".1")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.CopyN(io.Discard, response.Body, 100_000); err != nil {
		t.Fatal(err)
	}
	b.open(t, gate, 1)
	if _, err := io.Copy(io.Discard, response.Body); (err == nil) != s.blind {
		t.Errorf("a response that broke off: %v", err)
	}
}

// slowUploads begins as many uploads as there are workers: they are free meanwhile where the web server waits for the
// end of an upload.
func (b browser) slowUploads(t *testing.T, s webServer) {
	data := randomBytes(200_000)
	var answered []<-chan page
	var writers []*io.PipeWriter
	for range servedWorkers {
		reader, writer := io.Pipe()
		request, err := http.NewRequest(http.MethodPost, b.url+"/echo", reader)
		if err != nil {
			t.Fatal(err)
		}
		request.ContentLength = int64(len(data))
		got := make(chan page, 1)
		go func() {
			response, err := client().Do(request)
			if err != nil {
				got <- page{err: err}
				return
			}
			defer response.Body.Close()
			text, err := io.ReadAll(response.Body)
			got <- page{response, string(text), err}
		}()
		if _, err := writer.Write(data[:100_000]); err != nil {
			t.Fatal(err)
		}
		answered, writers = append(answered, got), append(writers, writer)
	}
	if !s.noSpool {
		b.get(t, "/pid").expect(t, 200)
	}
	for i, writer := range writers {
		if _, err := writer.Write(data[100_000:]); err != nil {
			t.Fatal(err)
		}
		_ = writer.Close() // never fails
		if got := within(t, "an upload", answered[i]).expect(t, 200); got.body != string(data) {
			t.Errorf("%d bytes of %d, or others", len(got.body), len(data))
		}
	}
}

// TestServersFaults: clients that leave, workers that are busy or die, a launcher that is stopped and started again.
func TestServersFaults(t *testing.T) {
	eachServer(t, func(t *testing.T, s webServer) {
		b := startServed(t, s)
		t.Run("clients leave", b.clientsLeave)
		t.Run("one is busy", func(t *testing.T) { b.oneBusy(t, s) })
		t.Run("all are busy", func(t *testing.T) { b.allBusy(t, s) })
		t.Run("a worker dies", func(t *testing.T) { b.workerDies(t, s) })
		t.Run("the launcher restarts", b.restarts)
	})
}

// clientsLeave: in the middle of a response. The workers are free soon, and the same ones.
func (b browser) clientsLeave(t *testing.T) {
	before := b.workers()
	var streams []io.ReadCloser
	for range servedWorkers {
		streams = append(streams, b.openStream(t, "/stream?chunks=1000&gate=gone"))
	}
	for _, stream := range streams {
		_ = stream.Close()
	}
	for n := 1; n < 1000; n++ {
		b.open(t, "gone", n)
	}
	for slot := range servedWorkers {
		b.in.doing(slot, "idle")
	}
	b.stillServedBy(t, before)
}

// oneBusy: the other one answers meanwhile.
func (b browser) oneBusy(t *testing.T, s webServer) {
	stream := b.openStream(t, "/stream?chunks=2&gate=busy")
	var waiting []<-chan page
	for range 20 {
		got := later(http.MethodGet, b.url+"/pid", nil)
		if !s.late {
			within(t, "the worker that is not busy", got).expect(t, 200)
		}
		waiting = append(waiting, got)
	}
	b.open(t, "busy", 1)
	readChunk(t, stream, 1)
	readEnd(t, stream)
	for _, got := range waiting {
		if s.late {
			within(t, "a request that has waited", got).expect(t, 200)
		}
	}
}

// allBusy: requests wait for whichever is free.
func (b browser) allBusy(t *testing.T, s webServer) {
	streams := map[string]io.ReadCloser{}
	var waiting []<-chan page
	for n := range servedWorkers {
		gate := fmt.Sprintf("stream%d", n)
		if path := "/stream?chunks=2&gate=" + gate; s.late { // it may wait behind another one
			waiting = append(waiting, later(http.MethodGet, b.url+path, nil))
		} else {
			streams[gate] = b.openStream(t, path)
		}
	}
	for range 10 {
		waiting = append(waiting, later(http.MethodGet, b.url+"/pid", nil))
	}
	for n := range servedWorkers {
		gate := fmt.Sprintf("stream%d", n)
		b.open(t, gate, 1)
		stream, opened := streams[gate]
		if !opened {
			continue
		}
		readChunk(t, stream, 1)
		readEnd(t, stream)
	}
	for _, got := range waiting {
		within(t, "a request that has waited", got).expect(t, 200)
	}
}

// workerDies: with a request, which is answered with an error. It is not asked of all workers in turn, and the next
// requests are answered.
func (b browser) workerDies(t *testing.T, s webServer) {
	died := func() int { return b.in.count(`msg="worker died"`) }
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		before, allowed := died(), 1
		if s.retries && method == http.MethodGet {
			allowed = 2
		}
		b.ask(t, method, "/exit?signal=KILL", nil).expect(t, s.died)
		for range 20 {
			b.get(t, "/pid").expect(t, 200)
		}
		b.in.waitFor("the worker's end to be told", func() bool { return died() > before })
		if count := died() - before; count > allowed {
			t.Errorf("%s: %d workers died of one request", method, count)
		}
	}
}

// restarts: requests fail while there is no launcher, and are answered once there is one again.
func (b browser) restarts(t *testing.T) {
	root := b.in.root
	b.in.signal(syscall.SIGTERM)
	if status := b.in.wait(); status != exitOK {
		t.Errorf("the launcher ended with %d", status)
	}
	if got := b.get(t, "/pid"); got.StatusCode < 500 {
		t.Errorf("without a launcher: %d %q", got.StatusCode, got.body)
	}
	start(t, startOptions{root: root, env: []string{"HELLO_GATES=" + b.gates}, args: []string{strconv.Itoa(servedWorkers)}}).serving()
	b.in.waitFor("the web server to find the workers", func() bool { return b.get(t, "/pid").StatusCode == 200 })
	for range 20 {
		b.get(t, "/pid").expect(t, 200)
	}
}
