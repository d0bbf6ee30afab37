package fuzz

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"testing"

	"launcher/fcgi"
)

// rubyParams is a Ruby process that parses name-value pairs.
type rubyParams struct {
	in  *bufio.Writer
	out *bufio.Reader
}

func startRubyParams(t *testing.T) *rubyParams {
	t.Helper()
	cmd := exec.Command("ruby", "-W", "-I", filepath.Join("..", "..", "scripts"), filepath.Join("testdata", "params.rb"))
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v (install it: make deps)", err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	return &rubyParams{bufio.NewWriter(stdin), bufio.NewReader(stdout)}
}

// parse returns the pairs as Ruby has them, and whether it takes them for pairs at all.
func (r *rubyParams) parse(encoded []byte) (params map[string]string, ok bool, err error) {
	if err := binary.Write(r.in, binary.BigEndian, uint32(len(encoded))); err != nil {
		return nil, false, err
	}
	if _, err := r.in.Write(encoded); err != nil {
		return nil, false, err
	}
	if err := r.in.Flush(); err != nil {
		return nil, false, err
	}
	var size uint32
	if err := binary.Read(r.out, binary.BigEndian, &size); err != nil {
		return nil, false, err
	}
	answer := make([]byte, size)
	if _, err := io.ReadFull(r.out, answer); err != nil {
		return nil, false, err
	}
	if answer[0] != 'P' {
		return nil, false, nil
	}
	params, err = decode(answer[1:])
	return params, true, err
}

func decode(encoded []byte) (map[string]string, error) {
	decoder := fcgi.NewParamsDecoder(1 << 20)
	_, _ = decoder.Write(encoded) // Params has the error
	list, err := decoder.Params()
	params := map[string]string{}
	for _, p := range list {
		params[p.Name] = p.Value
	}
	return params, err
}

// TestBothParseAlike: what one side takes for pairs the other takes for the same pairs.
func TestBothParseAlike(t *testing.T) {
	t.Parallel()
	ruby := startRubyParams(t)
	refused := 0
	count := max(*inputs/2, 1000)
	for n := range count {
		g := generator{rand.New(rand.NewPCG(*seed, n))}
		encoded := pairs(g.params())
		if n%8 > 0 {
			encoded = g.mutated(encoded)
		}
		here, err := decode(encoded)
		there, ok, broken := ruby.parse(encoded)
		if broken != nil {
			t.Fatalf("input %d of seed %d: %v", n, *seed, broken)
		}
		if ok != (err == nil) || ok && !maps.Equal(here, there) {
			t.Fatalf("input %d of seed %d: Go has %v %v, Ruby %v %v: %q", n, *seed, here, err, there, ok, fmt.Sprintf("%.500s", encoded))
		}
		if !ok {
			refused++
		}
	}
	if refused == 0 || refused == int(count) {
		t.Errorf("%d of %d were refused: that says nothing", refused, count)
	}
}
