package control

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"launcher/preforker/hint"
	"launcher/preforker/internal/testdir"
	"launcher/preforker/sockets"
)

// TestPost of a verb that is carried out at once.
func TestPost(t *testing.T) {
	t.Parallel()
	dir := testdir.Short(t)
	start(t, dir)
	var turned turn
	if err := post(t.Context(), dir, "/turn", turn{To: "left"}, &turned); err != nil || turned.To != "left" {
		t.Errorf("%+v, %v", turned, err)
	}
	if err := post(t.Context(), dir, "/turn", turn{}, nil); err == nil || err.Error() != "turn: no side is named" || hint.Of(err) != "name a side" {
		t.Errorf("%v, %q", err, hint.Of(err))
	}
	if err := post(t.Context(), dir, "/jump", turn{}, nil); err == nil || !strings.Contains(err.Error(), "is older, and does not know POST /jump") {
		t.Errorf("%v, %q", err, hint.Of(err))
	}
}

// TestFollow of a verb that tells its progress, to its end, to that of the launcher, and of who asks.
func TestFollow(t *testing.T) {
	t.Parallel()
	dir := testdir.Short(t)
	c := start(t, dir)
	var told []turn
	tell := func(progress turn) { told = append(told, progress) }
	var result string
	if err := follow(t.Context(), dir, "/count", turn{To: "a", Times: 2}, tell, &result); err != nil || result != "counted" ||
		!slices.Equal(told, []turn{{To: "a"}, {To: "a", Times: 1}}) {
		t.Errorf("%q, %v, %v", told, result, err)
	}
	for _, times := range []int{0, 1} { // with a status, and in the last line
		if err := follow(t.Context(), dir, "/count", turn{To: "nowhere", Times: times}, tell, nil); err == nil ||
			err.Error() != "count: there is nothing" || hint.Of(err) != "count to somewhere" {
			t.Errorf("%v, %q", err, hint.Of(err))
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	leave := func(turn) { cancel(errors.New("stopped by INT")) }
	if err := follow(ctx, dir, "/count", turn{Times: -1}, leave, nil); err == nil || !strings.Contains(err.Error(), "stopped by INT") {
		t.Errorf("%v", err)
	}
	anew := start(t, testdir.Short(t))
	replaced := func(turn) { anew.Close() }
	if err := follow(t.Context(), filepath.Dir(anew.Path()), "/count", turn{Times: -1}, replaced, nil); err == nil || err.Error() != "count: "+errReplaced.Error() || hint.Of(err) != hint.Of(errReplaced) {
		t.Errorf("%v", err)
	}
	end := func(turn) { c.end() }
	if err := follow(t.Context(), dir, "/count", turn{Times: -1}, end, nil); err == nil || err.Error() != "count: the launcher is ending" || hint.Of(err) != hint.Of(ErrEnding) {
		t.Errorf("%v", err)
	}
	if err := follow(t.Context(), filepath.Join(dir, "none"), "/count", turn{}, tell, nil); err == nil || !strings.Contains(err.Error(), "none runs") {
		t.Errorf("%v", err)
	}
}

// TestFollowEventsBegins before there is an event: who asks waits for the answer's beginning for some seconds alone.
func TestFollowEventsBegins(t *testing.T) {
	t.Parallel()
	c := startWith(t, testdir.Short(t), clientTimeout, FollowEventsVerb(func(ctx context.Context, _ EventsRequest, _ func(any)) (any, error) {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}))
	conn := c.dial(t)
	if _, err := io.WriteString(conn, "POST /events HTTP/1.1\r\nHost: launcher\r\nContent-Length: 0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if answer, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("%+v, %v", answer, err)
	}
}

// TestFollowerThatDoesNotRead is dropped: what it follows ends for it, and its place is free.
func TestFollowerThatDoesNotRead(t *testing.T) {
	t.Parallel()
	dir := testdir.Short(t)
	server, err := Listen(dir, sockets.Staleness{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	const followers = 4
	began, dropped := make(chan bool, followers), make(chan bool, followers)
	served := make(chan struct{})
	go func() {
		defer close(served)
		server.Serve(ctx.Done(), Follow("/flood", func(ctx context.Context, _ struct{}, tell func(any)) (any, error) {
			began <- true
			for ctx.Err() == nil {
				tell(strings.Repeat("x", 1<<10))
			}
			dropped <- true
			return nil, context.Cause(ctx)
		}), StatusVerb(func(context.Context) (Status, error) { return Status{Version: StatusVersion}, nil }))
	}()
	defer func() { end(); server.Close(); <-served }()
	for range followers {
		conn, err := net.Dial("unix", server.Path())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "POST /flood HTTP/1.1\r\nHost: launcher\r\nContent-Length: 0\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		<-began
	}
	if _, _, err := AskStatus(t.Context(), dir); err != nil { // meanwhile
		t.Error(err)
	}
	for range followers {
		select {
		case <-dropped:
		case <-time.After(testdir.Patience):
			t.Fatal("it is not dropped")
		}
	}
}
