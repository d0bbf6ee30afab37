package fcgi

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func decode(max int, pieces ...string) (Params, error) {
	decoder := NewParamsDecoder(max)
	for _, piece := range pieces {
		if _, err := decoder.Write([]byte(piece)); err != nil {
			return nil, err
		}
	}
	return decoder.Params()
}

func TestParamsDecoder(t *testing.T) {
	long := strings.Repeat("v", 200)
	tests := []struct {
		name  string
		input string
		want  Params
		err   error
	}{
		{"nothing", "", nil, nil},
		{"one", "\x01\x02abc", Params{{"a", "bc"}}, nil},
		{"empty value", "\x01\x00a", Params{{"a", ""}}, nil},
		{"empty name is skipped", "\x00\x01x\x01\x01ab", Params{{"a", "b"}}, nil},
		{"long value", "\x01\x80\x00\x00\xc8a" + long, Params{{"a", long}}, nil},
		{"small number in four bytes", "\x80\x00\x00\x01\x80\x00\x00\x01ab", Params{{"a", "b"}}, nil},
		{"same name twice", "\x01\x01ab\x01\x01ac", Params{{"a", "b"}, {"a", "c"}}, nil},
		{"huge name", "\xff\xff\xff\xff", nil, ErrParamsTruncated},
		{"huge name and value", "\xff\xff\xff\xff\xff\xff\xff\xff", nil, ErrParamsTooLarge},
		{"huge name, short value", "\xff\xff\xff\xff\x01", nil, ErrParamsTooLarge},
		{"50 and 50 with 8 left", "\x32\x32abcdefgh", nil, ErrParamsTruncated},
		{"half a length", "\x01\x01ab\x80\x00", nil, ErrParamsTruncated},
		{"length alone", "\x01", nil, ErrParamsTruncated},
		{"NUL in name", "\x02\x01a\x00b", nil, ErrParamsCharacter},
		{"LF in value", "\x01\x02ab\n", nil, ErrParamsCharacter},
		{"CR in value", "\x01\x02ab\r", nil, ErrParamsCharacter},
		{"over the bound", "\x01\x7fa" + strings.Repeat("b", 127) + "\x01\x7fa" + strings.Repeat("b", 127) +
			"\x01\x7fa" + strings.Repeat("b", 127), nil, ErrParamsTooLarge},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			check := func(how string, pieces ...string) {
				got, err := decode(300, pieces...)
				// In pieces a length that is too large may be seen before the
				// end of input is.
				if !errors.Is(err, test.err) && !(test.err != nil && errors.Is(err, ErrParamsTooLarge)) {
					t.Errorf("%s: got error %v, want %v", how, err, test.err)
				}
				if test.err == nil && !slices.Equal(got, test.want) {
					t.Errorf("%s: got %v, want %v", how, got, test.want)
				}
			}
			check("at once", test.input)
			for i := range len(test.input) {
				check("in two", test.input[:i], test.input[i:])
			}
			check("byte for byte", strings.Split(test.input, "")...)
		})
	}
}

func TestParamsDecoderManyRecords(t *testing.T) {
	var want Params
	for range 2500 {
		want = append(want, Param{"n", "v"})
	}
	encoded, err := want.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode(MaxContent, strings.Split(string(encoded), "")...)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %d pairs, %v", len(got), err)
	}
}

func TestParamsDecoderErrorIsFinal(t *testing.T) {
	decoder := NewParamsDecoder(10)
	if _, err := decoder.Write(make([]byte, 11)); !errors.Is(err, ErrParamsTooLarge) {
		t.Fatalf("got %v", err)
	}
	if _, err := decoder.Write([]byte("\x01\x00a")); !errors.Is(err, ErrParamsTooLarge) {
		t.Errorf("got %v", err)
	}
	if params, err := decoder.Params(); params != nil || !errors.Is(err, ErrParamsTooLarge) {
		t.Errorf("got %v, %v", params, err)
	}
}

// A pair that announces more than the bound must not be waited for.
func TestParamsDecoderRefusesBeforeContent(t *testing.T) {
	if _, err := NewParamsDecoder(100).Write([]byte("\x01\x80\x00\x00\x65")); !errors.Is(err, ErrParamsTooLarge) {
		t.Errorf("got %v", err)
	}
}

func TestParamsGet(t *testing.T) {
	params := Params{{"a", "1"}, {"b", "2"}, {"a", "3"}}
	if got, ok := params.Get("a"); got != "3" || !ok {
		t.Errorf("got %q, %v", got, ok)
	}
	if _, ok := params.Get("c"); ok {
		t.Error("found what is not there")
	}
}

func TestParamsAppendRefuses(t *testing.T) {
	for _, params := range []Params{{{"a\x00", ""}}, {{"a", "b\r\n"}}, {{"a", "\n"}}} {
		if _, err := params.Append(nil); !errors.Is(err, ErrParamsCharacter) {
			t.Errorf("%q: got %v", params, err)
		}
	}
}

func FuzzParamsDecoder(f *testing.F) {
	f.Add([]byte("\x01\x02abc\x01\x80\x00\x00\x02ade"), uint8(3))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff"), uint8(1))
	f.Add([]byte("\x00\x00\x01\x00a"), uint8(1))
	f.Fuzz(func(t *testing.T, input []byte, step uint8) {
		const bound = 4096
		atOnce, errAtOnce := decode(bound, string(input))
		var pieces []string
		for rest := string(input); rest != ""; {
			n := min(len(rest), int(step)+1)
			pieces = append(pieces, rest[:n])
			rest = rest[n:]
		}
		inPieces, errInPieces := decode(bound, pieces...)
		if (errAtOnce == nil) != (errInPieces == nil) || !slices.Equal(atOnce, inPieces) {
			t.Fatalf("at once %v %v, in pieces %v %v", atOnce, errAtOnce, inPieces, errInPieces)
		}
		if errAtOnce != nil {
			return
		}
		encoded, err := atOnce.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		again, err := decode(bound, string(encoded))
		if err != nil || !slices.Equal(again, atOnce) {
			t.Fatalf("round trip: %v, %v", again, err)
		}
	})
}
