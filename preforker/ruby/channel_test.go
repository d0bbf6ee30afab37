package ruby

import (
	"fmt"
	"io"
	"os"
	"testing"
)

func TestIsEnd(t *testing.T) {
	for err, want := range map[error]bool{io.EOF: true, os.ErrClosed: true, io.ErrUnexpectedEOF: false} {
		if IsEnd(fmt.Errorf("receive: %w", err)) != want {
			t.Errorf("%v is an end: %v", err, !want)
		}
	}
}
