package linux

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

func TestMapping(t *testing.T) {
	file, err := MemoryFile("mapped", 64)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if m, err := Map(file); err == nil {
		_ = m.Close()
		t.Error("a file that can be cut off was mapped")
	}
	if err := SealSize(file); err != nil {
		t.Fatal(err)
	}
	m, err := Map(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt([]byte("later"), 59); err != nil {
		t.Fatal(err)
	}
	read := make([]byte, 5)
	if n, err := m.ReadAt(read, 59); n != 5 || err != nil || !bytes.Equal(read, []byte("later")) {
		t.Errorf("read %q, %d, %v", read, n, err)
	}
	for offset, want := range map[int64]int{60: 4, 64: 0, -1: 0} {
		if n, err := m.ReadAt(read, offset); n != want || !errors.Is(err, io.EOF) {
			t.Errorf("at %d: %d, %v", offset, n, err)
		}
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}
