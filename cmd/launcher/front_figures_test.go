//go:build linux

package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"launcher/preforker/control"
)

// TestFrontTellsWhatItRefuses: at the control socket, on the page and in launcher status. What follows with USR2 counts anew, as all
// that is counted.
func TestFrontTellsWhatItRefuses(t *testing.T) {
	t.Parallel()
	// A program that is the launcher each time: this one would be a test without its variable.
	program := filepath.Join(t.TempDir(), "launcher")
	write(t, program, "#!/bin/bash\n"+asLauncher+`=1 exec -a "$0" `+os.Args[0]+` "$@"`)
	if err := os.Chmod(program, 0o755); err != nil {
		t.Fatal(err)
	}
	site := "http://127.0.0.1:" + strconv.Itoa(freePorts(t, 1))
	in := start(t, startOptions{root: copyApp(t, "hello"), program: program, args: []string{"1", "--http", strings.TrimPrefix(site, "http://"), "--max-body", "1MB"}}).serving()
	send := func(text string) string {
		conn, err := net.Dial("tcp", strings.TrimPrefix(site, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(patience))
		_, _ = io.WriteString(conn, text)
		answer, _ := io.ReadAll(conn)
		return string(answer)
	}
	for text, want := range map[string]string{
		"bad\r\n\r\n": "HTTP/1.1 400",
		"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2000000\r\nConnection: close\r\n\r\n": "HTTP/1.1 413",
		"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: close\r\n\r\n":       "HTTP/1.1 501",
		"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n":                             "HTTP/1.1 200",
	} {
		if got := send(text); !strings.HasPrefix(got, want) {
			t.Errorf("%q: %.200q", text, got)
		}
	}
	in.statusWhen("what was refused", func(s control.Status) bool {
		counts := map[int]uint64{}
		for _, one := range s.Front.Refused {
			counts[one.Code] += one.Count
		}
		return counts[400] == 1 && counts[413] == 1 && counts[501] == 1 && s.Front.Accepted == 4
	})
	told := in.askControl("/metrics").expect(t, 200).body
	for _, line := range []string{`launcher_http_refused_requests_total{code="413",reason="body too large"} 1`, `launcher_http_refused_requests_total{code="502",reason="no answer of a worker"} 0`,
		`launcher_http_unanswered_requests_total{reason="client left"} 0`, `launcher_http_accepted_connections_total 4`, `launcher_http_tls_handshake_errors_total 0`} {
		if !strings.Contains(told, "\n"+line+"\n") {
			t.Errorf("there is no %s in\n%s", line, told)
		}
	}
	if page := in.askControl("/").expect(t, 200).body; !strings.Contains(page, "body too large") || strings.Contains(page, "no worker was free") {
		t.Error(page)
	}
	if text := finish(t, in.root, "status").stdout; !strings.Contains(text, "1 with 413 (body too large)") {
		t.Error(text)
	}
	in.signal(syscall.SIGUSR2)
	in.waitLines(`^1 worker is ready`, 2)
	if got := fetch(client(), http.MethodGet, site+"/", nil); got.err != nil || got.StatusCode != 200 {
		t.Errorf("%+v", got)
	}
	in.statusWhen("the next launcher's count", func(s control.Status) bool { return s.Requests.Accepted == 1 && s.Front.Refused[0].Count == 0 })
}
