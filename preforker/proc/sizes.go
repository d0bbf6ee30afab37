//go:build linux

package proc

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// maxText bounds what the parsers take. meminfo, the longest that they are for, has 2 kB.
const maxText = 64 << 10

// field is a line "Key: 12 kB" of smaps_rollup or meminfo and where its size goes.
type field struct {
	key   string
	size  *uint64 // in bytes
	must  bool    // the text is nonsense without it
	found bool
}

// parseSizes takes the fields that are known out of a text and passes over the others:
// every few kernels add one.
func parseSizes(text []byte, fields []field) error {
	if len(text) > maxText {
		return fmt.Errorf("text has more than %d bytes", maxText)
	}
	for len(text) > 0 {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte{'\n'})
		key, value, _ := bytes.Cut(line, []byte{':'})
		for i := range fields {
			if string(key) != fields[i].key {
				continue
			}
			if err := fields[i].set(value); err != nil {
				return fmt.Errorf("parse %s: %w", string(key), err) // a copy, or text would escape to the heap
			}
		}
	}
	for i := range fields {
		if fields[i].must && !fields[i].found {
			return errors.New("find " + fields[i].key + ": no such line")
		}
	}
	return nil
}

func (f *field) set(value []byte) error {
	if f.found {
		return errors.New("it comes twice") // the sums of several mappings are not ours to make
	}
	size, err := parseSize(value)
	if err != nil {
		return err
	}
	*f.size, f.found = size, true
	return nil
}

// parseSize reads "  12 kB". The kernel's kB are 1024 bytes.
func parseSize(value []byte) (uint64, error) {
	number, isKB := bytes.CutSuffix(value, []byte(" kB"))
	if !isKB {
		return 0, fmt.Errorf("%.40q is not in kB", string(value))
	}
	kB, err := strconv.ParseUint(string(bytes.TrimLeft(number, " \t")), 10, 64)
	if err != nil {
		return 0, err
	}
	if kB > math.MaxUint64>>10 {
		return 0, fmt.Errorf("%d kB is too much", kB)
	}
	return kB << 10, nil
}
