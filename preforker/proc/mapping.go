//go:build linux

package proc

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// mapping is a range of a process's addresses.
type mapping struct{ start, end uint64 }

// maxLine bounds a line of smaps. The longest has a path: 4096 bytes, each of which may be
// written as four.
const maxLine = 32 << 10

// parseMappings finds in /proc/PID/smaps the mappings that have anonymous pages in memory.
// They are those that are private; a file's are among them once they were written to. What
// has no such page is left out: the gigabytes that allocators and runtimes reserve and never
// touch, device memory, hugetlbfs, [vvar], [vsyscall].
func parseMappings(smaps io.Reader) ([]mapping, error) {
	var found []mapping
	var current mapping
	lines := bufio.NewScanner(smaps)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		word, rest, _ := bytes.Cut(lines.Bytes(), []byte{' '})
		key, isField := bytes.CutSuffix(word, []byte{':'})
		switch {
		case !isField:
			var err error
			if current, err = parseRange(word); err != nil {
				return nil, err
			}
		case string(key) == "Anonymous":
			size, err := parseSize(rest)
			if err != nil {
				return nil, fmt.Errorf("parse Anonymous: %w", err)
			}
			if current.end == 0 {
				return nil, errors.New("parse Anonymous: it comes before any mapping")
			}
			if size > 0 {
				found = append(found, current)
			}
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read mappings: %w", err)
	}
	return found, nil
}

// parseRange reads "7f5c0000-7f5d0000".
func parseRange(text []byte) (mapping, error) {
	from, to, _ := bytes.Cut(text, []byte{'-'})
	start, errStart := strconv.ParseUint(string(from), 16, 64)
	end, errEnd := strconv.ParseUint(string(to), 16, 64)
	if err := errors.Join(errStart, errEnd); err != nil || start >= end {
		return mapping{}, fmt.Errorf("parse mapping: %.60q is no range of addresses", text)
	}
	return mapping{start: start, end: end}, nil
}
