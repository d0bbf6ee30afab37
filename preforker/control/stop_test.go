package control

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"testing"

	"launcher/preforker/internal/testdir"
)

// TestStopThatIsCutOff: a launcher that ends before its last line has told what was lost until then.
func TestStopThatIsCutOff(t *testing.T) {
	t.Parallel()
	dir := testdir.Short(t)
	listener, err := net.Listen("unix", filepath.Join(dir, SocketName))
	if err != nil {
		t.Fatal(err)
	}
	var ended sync.WaitGroup
	defer ended.Wait()
	defer listener.Close()
	ended.Go(func() {
		if conn, err := listener.Accept(); err == nil { // that only finds out whose process this is
			_ = conn.Close()
		}
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = http.ReadRequest(bufio.NewReader(conn))
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"+
			`{"step":"begins","workers":2}`+"\n"+`{"step":"left","workers":1}`+"\n"+`{"step":"left","request":"GET /a"}`+"\n")
	})
	ctx, cancel := context.WithCancel(t.Context()) // what listens is this process, whose end is not waited for
	defer cancel()
	result, err := Stop(ctx, dir, StopRequest{Now: true}, func(p StopProgress) {
		if p.Request != "" {
			cancel()
		}
	})
	if result.Lost != 1 || err == nil {
		t.Errorf("%+v, %v", result, err)
	}
}
