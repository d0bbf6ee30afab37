package fcgi

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestRecordReader(t *testing.T) {
	big := strings.Repeat("x", MaxContent)
	tests := []struct {
		name  string
		input string
		want  []Record
		err   error
	}{
		{"nothing", "", nil, io.EOF},
		{"one", "\x01\x06\x00\x01\x00\x02\x00\x00hi", []Record{{TypeStdout, 1, []byte("hi")}}, io.EOF},
		{"padding that looks like a record", "\x01\x06\x00\x01\x00\x02\x08\x00hi\x01\x03\x00\x01\x00\x00\x00\x00\x01\x07\x00\x01\x00\x01\x00\x00e",
			[]Record{{TypeStdout, 1, []byte("hi")}, {TypeStderr, 1, []byte("e")}}, io.EOF},
		{"reserved byte set", "\x01\x06\x00\x01\x00\x01\x00\xffh", []Record{{TypeStdout, 1, []byte("h")}}, io.EOF},
		{"id 65535", "\x01\x06\xff\xff\x00\x01\x00\x00h", []Record{{TypeStdout, 65535, []byte("h")}}, io.EOF},
		{"65535 and padding 255", "\x01\x06\x00\x01\xff\xff\xff\x00" + big + strings.Repeat("\x00", 255) + "\x01\x07\x00\x01\x00\x00\x00\x00",
			[]Record{{TypeStdout, 1, []byte(big)}, {TypeStderr, 1, nil}}, io.EOF},
		{"half a header", "\x01\x06\x00", nil, io.ErrUnexpectedEOF},
		{"half a content", "\x01\x06\x00\x01\x00\x02\x00\x00h", nil, io.ErrUnexpectedEOF},
		{"no content", "\x01\x06\x00\x01\x00\x02\x00\x00", nil, io.ErrUnexpectedEOF},
		{"half a padding", "\x01\x06\x00\x01\x00\x01\x02\x00h\x00", []Record{{TypeStdout, 1, []byte("h")}}, io.ErrUnexpectedEOF},
		{"version 2", "\x02\x06\x00\x01\x00\x02\x00\x00hi", nil, ErrVersion},
		{"http", "HTTP/1.1 400 Bad Request\r\n", nil, ErrVersion},
	}
	for _, test := range tests {
		for how, wrap := range map[string]func(io.Reader) io.Reader{
			"at once":       func(r io.Reader) io.Reader { return r },
			"byte for byte": iotest.OneByteReader,
		} {
			t.Run(test.name+" "+how, func(t *testing.T) {
				records := NewRecordReader(wrap(strings.NewReader(test.input)))
				for i, want := range test.want {
					got, err := records.Next()
					if err != nil {
						t.Fatalf("record %d: %v", i, err)
					}
					if got.Type != want.Type || got.ID != want.ID || !bytes.Equal(got.Content, want.Content) {
						t.Errorf("record %d: got %v %d with %d bytes", i, got.Type, got.ID, len(got.Content))
					}
				}
				if _, err := records.Next(); !errors.Is(err, test.err) {
					t.Errorf("got error %v, want %v", err, test.err)
				}
			})
		}
	}
}

// A record must not wait for padding that its sender is slow to write.
func TestRecordReaderDoesNotWaitForPadding(t *testing.T) {
	r, w := io.Pipe()
	defer r.Close()
	go func() { _, _ = w.Write([]byte("\x01\x06\x00\x01\x00\x02\xff\x00hi")) }()
	got, err := NewRecordReader(r).Next()
	if err != nil || string(got.Content) != "hi" {
		t.Errorf("got %q, %v", got.Content, err)
	}
}

func TestAppendRecordSplits(t *testing.T) {
	for _, size := range []int{0, 1, MaxContent, MaxContent + 1, 2 * MaxContent, 200000} {
		content := bytes.Repeat([]byte("abcdefg"), size/7+1)[:size]
		records := NewRecordReader(bytes.NewReader(AppendRecord(nil, TypeStdin, 7, content)))
		var got []byte
		count := 0
		for {
			record, err := records.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || record.Type != TypeStdin || record.ID != 7 {
				t.Fatalf("size %d: %v %v", size, record.Type, err)
			}
			got = append(got, record.Content...)
			count++
		}
		if want := max(1, (size+MaxContent-1)/MaxContent); count != want || !bytes.Equal(got, content) {
			t.Errorf("size %d: got %d records, want %d", size, count, want)
		}
	}
}

func TestTypeString(t *testing.T) {
	for typ, want := range map[Type]string{TypeBeginRequest: "BEGIN_REQUEST", TypeUnknownType: "UNKNOWN_TYPE", 0: "type 0", 99: "type 99"} {
		if got := typ.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func FuzzRecordReader(f *testing.F) {
	f.Add([]byte("\x01\x06\x00\x01\x00\x02\x01\x00hi\x00"))
	f.Add([]byte("\x01\x06\x00\x01\xff\xff\xff\x00"))
	f.Fuzz(func(t *testing.T, input []byte) {
		records := NewRecordReader(bytes.NewReader(input))
		total := 0
		for {
			record, err := records.Next()
			if err != nil {
				return
			}
			// Every record is backed by its bytes in the input.
			if total += HeaderLen + len(record.Content); total > len(input) {
				t.Fatalf("%d bytes of records from %d bytes", total, len(input))
			}
		}
	})
}
