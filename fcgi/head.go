package fcgi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// responseHead is a parsed CGI response head.
type responseHead struct {
	status int
	header http.Header
	length int64 // -1 where none is named
}

// readHead reads up to the empty line that ends the head. What follows it is left to be read.
func readHead(d *demuxer, limit int) (responseHead, error) {
	var before []byte // what came in earlier records
	for {
		if err := d.await(); err != nil {
			if errors.Is(err, io.EOF) {
				err = fmt.Errorf("%w: it does not end", ErrBadHeader)
			}
			return responseHead{}, err
		}
		data := d.content
		if before != nil {
			data = append(before, data...)
		}
		// The empty line may be split over two records.
		end, size := headEnd(data, max(0, len(before)-3))
		if end > limit || end < 0 && len(data) > limit {
			return responseHead{}, fmt.Errorf("%w: more than %d bytes", ErrHeadTooLarge, limit)
		}
		if end >= 0 {
			d.content = d.content[end+size-len(before):]
			return parseHead(string(data[:end]))
		}
		if before == nil {
			data = bytes.Clone(data) // it is the reader's
		}
		before, d.content = data, nil
	}
}

// headEnd finds the empty line at or after from. A line ends with LF, with or
// without a CR before it (RFC 3875, section 6.2).
func headEnd(data []byte, from int) (end, size int) {
	for i := from; i < len(data); i++ {
		if data[i] != '\n' {
			continue
		}
		if bytes.HasPrefix(data[i+1:], []byte("\n")) {
			return i + 1, 1
		}
		if bytes.HasPrefix(data[i+1:], []byte("\r\n")) {
			return i + 1, 2
		}
	}
	return -1, 0
}

// parseHead parses the lines of a head, each with its line end.
func parseHead(text string) (responseHead, error) {
	lines := strings.Count(text, "\n")
	values := make([]string, 0, lines) // of all fields
	head := responseHead{header: make(http.Header, lines), length: -1}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		name, value, ok := strings.Cut(line, ":")
		// This refuses continuation lines as well: they start with a space.
		if !ok || !isToken(name) {
			return head, fmt.Errorf("%w: %s", ErrBadHeader, excerpt(line))
		}
		value = strings.Trim(value, " \t")
		if strings.ContainsAny(value, "\x00\r") {
			return head, fmt.Errorf("%w: control character in %s", ErrBadHeader, excerpt(line))
		}
		name = textproto.CanonicalMIMEHeaderKey(name)
		if earlier, ok := head.header[name]; ok {
			head.header[name] = append(earlier, value)
			continue
		}
		values = append(values, value)
		head.header[name] = values[len(values)-1 : len(values) : len(values)]
	}
	if err := head.takeStatus(); err != nil {
		return head, err
	}
	return head, head.takeLength()
}

// takeStatus turns the Status field into a number. Without one it is 200, or
// 302 beside a Location (RFC 3875, section 6.2.3).
func (h *responseHead) takeStatus() error {
	values := h.header["Status"]
	delete(h.header, "Status")
	switch {
	case len(values) > 1:
		return fmt.Errorf("%w: %d Status lines", ErrBadStatus, len(values))
	case len(values) == 0 && h.header.Get("Location") != "":
		h.status = http.StatusFound
		return nil
	case len(values) == 0:
		h.status = http.StatusOK
		return nil
	}
	code, _, _ := strings.Cut(values[0], " ")
	status, err := strconv.ParseUint(code, 10, 16)
	// 1xx would be followed by another head, which CGI does not have.
	if err != nil || len(code) != 3 || status < 200 {
		return fmt.Errorf("%w: %s", ErrBadStatus, excerpt(values[0]))
	}
	h.status = int(status)
	return nil
}

// takeLength checks Content-Length. Repetitions of the same number are one.
func (h *responseHead) takeLength() error {
	values := h.header["Content-Length"]
	for i, value := range values {
		length, err := strconv.ParseUint(value, 10, 63)
		if err != nil || i > 0 && int64(length) != h.length {
			return fmt.Errorf("%w: %s", ErrContentLength, excerpt(strings.Join(values, ", ")))
		}
		h.length = int64(length)
	}
	if len(values) > 1 {
		h.header["Content-Length"] = values[:1]
	}
	return nil
}

// isToken tells whether s is a field name (RFC 9110, section 5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		alphanumeric := '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
		if !alphanumeric && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

// excerpt quotes the start of what an application sent, for an error text.
func excerpt(s string) string {
	const limit = 80
	if len(s) <= limit {
		return strconv.Quote(s)
	}
	return strconv.Quote(s[:limit]) + "…"
}
