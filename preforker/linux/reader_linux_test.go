package linux

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

func TestAwaitNoReader(t *testing.T) {
	t.Parallel()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if AwaitNoReader(ended, writer) {
		t.Error("there is a reader")
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	if !AwaitNoReader(context.Background(), writer) {
		t.Error("there is none")
	}
	regular, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer regular.Close()
	if AwaitNoReader(context.Background(), regular) {
		t.Error("a file has no readers that could go")
	}
}
