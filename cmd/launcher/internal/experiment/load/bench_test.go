//go:build linux

package load

import (
	"io"
	"net"
	"net/http"
	stdfcgi "net/http/fcgi"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// asServer names the network that the test binary serves as a process of its own, so that
// the processor time measured here is the generator's alone.
const asServer = "LOAD_TEST_SERVER"

func TestMain(m *testing.M) {
	if network := os.Getenv(asServer); network != "" {
		os.Exit(servePages(network))
	}
	os.Exit(m.Run())
}

// servePages serves on the listener that is its file 3, until its input ends.
func servePages(network string) int {
	listener, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		return 1
	}
	page := []byte(strings.Repeat("a page of some length\n", 26000/22))
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(page) })
	go func() {
		if network == "fastcgi" {
			_ = stdfcgi.Serve(listener, handler)
			return
		}
		_ = http.Serve(listener, handler)
	}()
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// BenchmarkGenerator measures what the generator itself takes of the processor for a page
// of 26 kB.
func BenchmarkGenerator(b *testing.B) {
	for _, network := range []string{"tcp", "unix", "fastcgi"} {
		b.Run(network, func(b *testing.B) {
			kind := strings.Replace(network, "fastcgi", "unix", 1)
			listener := listen(b, kind)
			defer listener.Close()
			file, err := listener.(interface{ File() (*os.File, error) }).File()
			if err != nil {
				b.Fatal(err)
			}
			server := exec.Command(os.Args[0])
			server.Env = append(os.Environ(), asServer+"="+network)
			server.ExtraFiles = []*os.File{file}
			input, err := server.StdinPipe()
			if err != nil {
				b.Fatal(err)
			}
			if err := server.Start(); err != nil {
				b.Fatal(err)
			}
			_ = file.Close()
			defer func() {
				_ = input.Close()
				_ = server.Wait()
			}()
			target := HTTP(kind, listener.Addr().String())
			if network == "fastcgi" {
				target = FastCGI([]string{listener.Addr().String()}, "")
			}
			plan := basic("/")
			plan.Requests, plan.Connections = b.N, 8
			b.ReportAllocs()
			before := processorTime(b)
			result := Run(b.Context(), target, plan, nil)
			used := processorTime(b) - before
			if result.OK != b.N {
				b.Fatalf("%d right answers: %v", result.OK, result.Failures)
			}
			b.ReportMetric(float64(used.Nanoseconds())/float64(b.N)/1000, "cpu-µs/op")
		})
	}
}

func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
