package fuzz

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"launcher/fcgi"
	"launcher/fcgi/fcgitest"
)

var (
	inputs  = flag.Uint64("inputs", 6000, "how many inputs are sent")
	seed    = flag.Uint64("seed", 0, "what they are made of; 0 is the same each time")
	workers = flag.Int("workers", 2, "how many Ruby processes get them")
)

// responder is a Ruby process that serves on a socket.
type responder struct {
	socket string
	cmd    *exec.Cmd
	stderr bytes.Buffer
	ended  chan struct{}
}

func startResponder(t *testing.T) *responder {
	t.Helper()
	r := &responder{socket: filepath.Join(fcgitest.TempDir(t), "s"), ended: make(chan struct{})}
	r.cmd = exec.Command("ruby", "-W", "-I", filepath.Join("..", "..", "scripts"), filepath.Join("testdata", "responder.rb"), r.socket)
	r.cmd.Stderr = &r.stderr
	stdin, err := r.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatalf("%v (install it: make deps)", err)
	}
	ready := make(chan error, 1)
	go func() {
		_, err := io.ReadFull(stdout, make([]byte, len("ready\n")))
		ready <- err
		_, _ = io.Copy(io.Discard, stdout)
		_ = r.cmd.Wait() // stderr says why
		close(r.ended)
	}()
	t.Cleanup(func() {
		_ = stdin.Close()
		fcgitest.Await(t, "the end of a responder", r.ended)
	})
	if err := fcgitest.Await(t, "a responder", ready); err != nil {
		<-r.ended
		t.Fatalf("the responder does not start: %s", &r.stderr)
	}
	return r
}

// exchange sends an input, and returns what comes back until the responder closes the connection.
func (r *responder) exchange(in input) (answer []byte, err error) {
	conn, err := net.Dial("unix", r.socket)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(fcgitest.Patience)); err != nil {
		return nil, err
	}
	// The responder may have closed before it was sent all.
	_, _ = conn.Write(in.bytes[:in.cut])
	_, _ = conn.Write(in.bytes[in.cut:])
	if in.leaves {
		return nil, nil
	}
	_ = conn.(*net.UnixConn).CloseWrite()
	answer, err = io.ReadAll(conn)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return answer, fmt.Errorf("the connection was not closed: %w", err)
	}
	return answer, nil // a reset is an end too
}

// check returns what is wrong with the bytes that came back.
func check(answer []byte) error {
	records := fcgi.NewRecordReader(bytes.NewReader(answer))
	output := map[uint16][]byte{}
	for {
		record, err := records.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		management := record.Type == fcgi.TypeGetValuesResult || record.Type == fcgi.TypeUnknownType
		switch {
		case management != (record.ID == 0):
			return fmt.Errorf("%s for request %d", record.Type, record.ID)
		case management:
		case record.Type == fcgi.TypeStdout:
			output[record.ID] = append(output[record.ID], record.Content...)
		case record.Type == fcgi.TypeEndRequest && len(record.Content) == fcgi.HeaderLen:
			if err := checkResponse(output[record.ID]); err != nil {
				return err
			}
			delete(output, record.ID)
		default:
			return fmt.Errorf("%s of %d bytes", record.Type, len(record.Content))
		}
	}
}

var length = regexp.MustCompile(`(?i)\r\ncontent-length: (\d+)\r\n`)

// checkResponse returns what is wrong with a whole response.
func checkResponse(text []byte) error {
	head, body, found := bytes.Cut(text, []byte("\r\n\r\n"))
	if len(text) > 0 && (!found || !bytes.HasPrefix(head, []byte("Status: "))) {
		return fmt.Errorf("a response without a head: %.100q", text)
	}
	// To HEAD the length comes without a body.
	if match := length.FindSubmatch(slices.Concat(head, []byte("\r\n"))); match != nil && len(body) > 0 && string(match[1]) != strconv.Itoa(len(body)) {
		return fmt.Errorf("a body of %d bytes, and a content-length of %s", len(body), match[1])
	}
	return nil
}

// alive is a request that has to be served, after whatever came before.
func (r *responder) alive() error {
	request := fcgi.AppendBeginRequest(nil, 1, fcgi.RoleResponder)
	request = fcgi.AppendRecord(request, fcgi.TypeParams, 1, pairs(fcgi.Params{{Name: "REQUEST_METHOD", Value: "GET"}, {Name: "REQUEST_URI", Value: "/alive"}}))
	request = fcgi.AppendRecord(fcgi.AppendRecord(request, fcgi.TypeParams, 1, nil), fcgi.TypeStdin, 1, nil)
	answer, err := r.exchange(input{bytes: request})
	if err == nil && !bytes.Contains(answer, []byte("GET /alive 0")) {
		err = fmt.Errorf("a plain request is answered with %.200q", answer)
	}
	return err
}

// survives sends inputs and reports the one by which the responder died, or that came before.
func (r *responder) survives(t *testing.T, next func() (name string, in input, ok bool)) {
	before, sent := "", 0
	for name, in, ok := next(); ok; name, in, ok = next() {
		answer, err := r.exchange(in)
		if err == nil {
			err = check(answer)
		}
		if sent++; err == nil && sent%1000 == 0 {
			err = r.alive()
		}
		if err != nil {
			r.report(t, name, before, in, err)
			return
		}
		before = name
	}
	if err := r.alive(); err != nil {
		r.report(t, "the last one", before, input{}, err)
	}
}

// report names the input: where the responder has died before it, the one before it is to blame.
func (r *responder) report(t *testing.T, name, before string, in input, err error) {
	select {
	case <-r.ended:
		t.Errorf("the responder died, of %s, or of %s before it: %v\n%s", name, before, err, &r.stderr)
	case <-time.After(time.Second): // it may be about to end
		t.Errorf("%s: %v\n%q", name, err, in.bytes[:min(len(in.bytes), 2000)])
	}
}

// TestResponderSurvives sends inputs to real Ruby responders: none may end, hang, log a failure of its own, answer with
// what is no FastCGI, or give an application what is no environment of Rack. "make fuzz-responder" sends a million.
func TestResponderSurvives(t *testing.T) {
	t.Parallel()
	began := time.Now()
	var number atomic.Uint64
	var running sync.WaitGroup
	for range *workers {
		r := startResponder(t)
		running.Go(func() {
			r.survives(t, func() (string, input, bool) {
				n := number.Add(1)
				if n > *inputs || t.Failed() {
					return "", input{}, false
				}
				return fmt.Sprintf("input %d of seed %d", n, *seed), inputOf(*seed, n), true
			})
		})
	}
	running.Wait()
	t.Logf("%d inputs of seed %d in %.0f s", *inputs, *seed, time.Since(began).Seconds())
}

// TestCorpus sends what was once found, and what is worth sending each time: one byte after the other too.
func TestCorpus(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "corpus", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	r := startResponder(t)
	at := 0
	r.survives(t, func() (string, input, bool) {
		if at == 2*len(files) {
			return "", input{}, false
		}
		file := files[at/2]
		bytes, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
		}
		at++
		return file, input{bytes: bytes, cut: len(bytes) / 2 * (at % 2)}, true
	})
}

// TestInputsAreTheSame for the same seed, and others for another.
func TestInputsAreTheSame(t *testing.T) {
	t.Parallel()
	differ := 0
	for n := range uint64(200) {
		first, again, other := inputOf(1, n), inputOf(1, n), inputOf(2, n)
		if !bytes.Equal(first.bytes, again.bytes) || first.cut != again.cut || first.leaves != again.leaves {
			t.Fatalf("input %d is another one the second time", n)
		}
		if !bytes.Equal(first.bytes, other.bytes) {
			differ++
		}
	}
	if differ < 150 {
		t.Errorf("only %d of 200 differ between two seeds", differ)
	}
}
