//go:build linux

package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// browser is a client of an application, whatever stands in front of it.
type browser struct {
	in     *instance
	url    string // of the application's root, without a slash at its end
	prefix string // the path of url
	gates  string // folder of the application's gates
	static bool   // whoever stands in front serves the files of public/
}

// page is what came back for a request, or the error that came instead.
type page struct {
	*http.Response
	body string
	err  error
}

// fetch sends a request, with pairs of a header's name and value, and reads the answer to its end.
func fetch(client *http.Client, method, url string, body io.Reader, header ...string) page {
	request, err := http.NewRequest(method, url, body)
	if err != nil {
		return page{err: err}
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := client.Do(request)
	if err != nil {
		return page{err: err}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		err = fmt.Errorf("%s %s: read body after %d bytes: %w", method, url, len(text), err)
	}
	return page{response, string(text), err}
}

// ask sends a request with its path as given.
func (b browser) ask(t *testing.T, method, path string, body io.Reader, header ...string) page {
	t.Helper()
	return b.askWith(t, client(), method, path, body, header...)
}

func (b browser) askWith(t *testing.T, client *http.Client, method, path string, body io.Reader, header ...string) page {
	t.Helper()
	got := fetch(client, method, b.url+path, body, header...)
	if got.err != nil {
		t.Fatal(got.err)
	}
	return got
}

func (b browser) get(t *testing.T, path string) page {
	t.Helper()
	return b.ask(t, http.MethodGet, path, nil)
}

// expect fails the test unless the status is the one wanted.
func (p page) expect(t *testing.T, status int) page {
	t.Helper()
	if p.err != nil {
		t.Fatal(p.err)
	}
	if p.StatusCode != status {
		t.Fatalf("%s %s: status %d, want %d\n%.500s", p.Request.Method, p.Request.URL, p.StatusCode, status, p.body)
	}
	return p
}

func (p page) json(t *testing.T) map[string]any {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(p.body), &fields); err != nil {
		t.Fatalf("%s %s: %v\n%.500s", p.Request.Method, p.Request.URL, err, p.body)
	}
	return fields
}

// is compares some fields of a JSON object.
func (p page) is(t *testing.T, want map[string]any) {
	t.Helper()
	got := p.json(t)
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s %s: %s is %#v, want %#v", p.Request.Method, p.Request.URL, name, got[name], value)
		}
	}
}

// digested is what an application returns about bytes that it got.
func digested(data []byte) map[string]any {
	return map[string]any{"size": float64(len(data)), "sha256": fmt.Sprintf("%x", sha256.Sum256(data))}
}

// randomBytes are different in each run: every byte occurs, CR, LF and NUL too.
func randomBytes(size int) []byte {
	var seed [32]byte
	for i := range seed {
		seed[i] = byte(rand.Uint32())
	}
	data := make([]byte, size)
	_, _ = rand.NewChaCha8(seed).Read(data) // never fails
	return data
}

// gate names a gate that no other test uses, and open makes the application go on.
func (b browser) gate(t *testing.T) string {
	return regexp.MustCompile(`\W`).ReplaceAllString(t.Name(), "_")
}

func (b browser) open(t *testing.T, gate string, number int) {
	t.Helper()
	openGate(t, b.gates, gate+"."+strconv.Itoa(number))
}

// workers are the pids of the workers that there are.
func (b browser) workers() (pids []int) {
	for _, p := range b.in.titled("launcher worker ") {
		pids = append(pids, p.pid)
	}
	slices.Sort(pids)
	return pids
}

// stillServedBy checks that no worker was replaced.
func (b browser) stillServedBy(t *testing.T, before []int) {
	t.Helper()
	first, _, _ := strings.Cut(b.get(t, "/pid").expect(t, 200).body, "\n")
	if pid, _ := strconv.Atoi(first); !slices.Contains(before, pid) {
		t.Errorf("served by process %q, not by one of %v", first, before)
	}
	if after := b.workers(); !slices.Equal(after, before) {
		t.Errorf("the workers were %v and are %v", before, after)
	}
}

// openStream asks for a stream and reads its first chunk, which comes before the
// application may send the second one.
func (b browser) openStream(t *testing.T, path string) io.ReadCloser {
	t.Helper()
	response, err := client().Get(b.url + path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	if response.StatusCode != 200 {
		t.Fatalf("GET %s: %d", path, response.StatusCode)
	}
	readChunk(t, response.Body, 0)
	return response.Body
}

func readChunk(t *testing.T, stream io.Reader, number int) {
	t.Helper()
	want := fmt.Sprintf("chunk %d\n", number)
	got := make([]byte, len(want))
	if _, err := io.ReadFull(stream, got); err != nil || string(got) != want {
		t.Fatalf("read chunk %d: %q, %v", number, got, err)
	}
}

func readEnd(t *testing.T, stream io.Reader) {
	t.Helper()
	if rest, err := io.ReadAll(stream); err != nil || len(rest) > 0 {
		t.Fatalf("read end of stream: %q, %v", rest, err)
	}
}

// streams reads a stream of three chunks, each before the next one's gate is opened.
func (b browser) streams(t *testing.T, query string) {
	t.Helper()
	gate := b.gate(t)
	stream := b.openStream(t, "/stream?chunks=3&gate="+gate+query)
	for n := 1; n < 3; n++ {
		b.open(t, gate, n)
		readChunk(t, stream, n)
	}
	readEnd(t, stream)
}
