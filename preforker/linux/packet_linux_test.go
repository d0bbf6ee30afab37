package linux

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

func TestPacketPairCarriesPacketsAndFiles(t *testing.T) {
	ours, theirs, err := PacketPair("test")
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	for _, packet := range [][]byte{[]byte("one"), bytes.Repeat([]byte("x"), 100_000)} {
		if _, err := theirs.Write(packet); err != nil {
			t.Fatal(err)
		}
		got, err := ours.Receive()
		if err != nil || !bytes.Equal(got, packet) {
			t.Fatalf("Receive = %d bytes, %v; want %d", len(got), err, len(packet))
		}
	}
	for i := 0; ; i++ {
		err := ours.Send([]byte("fill"))
		if errors.Is(err, ErrWouldBlock) {
			if i < 100 {
				t.Errorf("queue full after %d packets", i)
			}
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	theirs.Close()
	if _, err := ours.Receive(); err != io.EOF {
		t.Errorf("after close: %v, want EOF", err)
	}
}

func TestFinishKeepsWhatWasSent(t *testing.T) {
	ours, theirs, err := PacketPair("test")
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	defer theirs.Close() // open all the while
	if _, err := theirs.Write([]byte("last words")); err != nil {
		t.Fatal(err)
	}
	ours.Finish()
	if got, err := ours.Receive(); err != nil || string(got) != "last words" {
		t.Errorf("Receive = %q, %v", got, err)
	}
	if _, err := ours.Receive(); err != io.EOF {
		t.Errorf("then %v, want EOF", err)
	}
}
