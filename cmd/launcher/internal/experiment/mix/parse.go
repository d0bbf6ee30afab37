package mix

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"launcher/preforker/smallfile"
)

// Bounds of a file, so that a wrong one is refused and not measured.
const (
	maxFile     = 1 << 20
	maxRequests = 1000
	maxWeight   = 10_000
	maxUpload   = 256 << 20
	maxBody     = 16 << 20
)

// LineError is what is wrong with one line of a file.
type LineError struct {
	File string
	Line int
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }

// Unwrap returns what is wrong.
func (e *LineError) Unwrap() error { return e.Err }

// Read reads the mix of a file.
func Read(path string) ([]Request, error) {
	text, err := smallfile.ReadPiped(path, maxFile)
	if errors.Is(err, smallfile.ErrTooLong) {
		err = fmt.Errorf("%w: it is no mix", err)
	}
	if err != nil {
		return nil, fmt.Errorf("read mix: %w", err)
	}
	return parse(path, text, func(name string) ([]byte, error) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(path), name)
		}
		body, err := smallfile.ReadPiped(name, maxBody)
		if err != nil {
			err = fmt.Errorf("read body: %w", err)
		}
		return body, err
	})
}

// parse reads a mix. What a body is read from is opened by open.
func parse(name string, text []byte, open func(name string) ([]byte, error)) ([]Request, error) {
	var requests []Request
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(string(text), "\ufeff")) {
		number++
		words, err := split(strings.TrimRight(line, "\r\n"))
		if err == nil && len(words) == 0 {
			continue
		}
		var request Request
		if err == nil {
			request, err = parseLine(words, open)
		}
		if err == nil && len(requests) == maxRequests {
			err = fmt.Errorf("a mix has %d requests at most", maxRequests)
		}
		if err != nil {
			return nil, &LineError{name, number, err}
		}
		request.Text = textOf(line)
		requests = append(requests, request)
	}
	if len(requests) == 0 {
		return nil, fmt.Errorf("%s has no request: a line is WEIGHT METHOD PATH, as in “40 GET /posts”", name)
	}
	return requests, nil
}

// textOf returns a line without its weight, as its author wrote it.
func textOf(line string) string {
	line = strings.TrimSpace(line)
	if cut := strings.IndexFunc(line, unicode.IsSpace); cut >= 0 {
		line = strings.TrimSpace(line[cut:])
	}
	return line
}

// split returns the words of a line: as in a shell quotes keep blanks, and # begins a comment.
func split(line string) (words []string, err error) {
	var now strings.Builder
	var open rune
	inside := false
	for _, char := range line {
		switch {
		case open != 0 && char == open:
			open = 0
		case open != 0:
			now.WriteRune(char)
		case char == '"' || char == '\'':
			open, inside = char, true
		case unicode.IsSpace(char):
			if inside {
				words = append(words, now.String())
			}
			now.Reset()
			inside = false
		case char == '#' && !inside:
			return words, nil
		case unicode.IsControl(char) || char == unicode.ReplacementChar:
			return nil, errors.New("it is no line of text")
		default:
			inside = true
			now.WriteRune(char)
		}
	}
	if open != 0 {
		return nil, fmt.Errorf("the quote %c is not closed", open)
	}
	if inside {
		words = append(words, now.String())
	}
	return words, nil
}

func parseLine(words []string, open func(string) ([]byte, error)) (r Request, err error) {
	if len(words) < 3 {
		return r, errors.New("a line is WEIGHT METHOD PATH, as in “40 GET /posts”")
	}
	if r.Weight, err = strconv.Atoi(words[0]); err != nil || r.Weight < 1 || r.Weight > maxWeight {
		return r, fmt.Errorf("%q is no weight: a whole number from 1 to %d stands first", words[0], maxWeight)
	}
	if r.Method = words[1]; !slices.Contains(methods(), r.Method) {
		return r, fmt.Errorf("%q is no method: %s", r.Method, strings.Join(methods(), ", "))
	}
	if r.Path, err = words[2], CheckPath(words[2]); err != nil {
		return r, err
	}
	for _, text := range words[3:] {
		if err := r.take(text, open); err != nil {
			return r, err
		}
	}
	return r, r.consistent()
}

// CheckPath returns what is wrong with a path.
func CheckPath(path string) error {
	// A space would end it early, and a fragment is the browser's own.
	if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, " #") {
		return fmt.Errorf("path %q is malformed: it begins with /, and a blank in it is %%20", path)
	}
	if _, err := url.ParseRequestURI(path); err != nil {
		return fmt.Errorf("read path: %w", err)
	}
	return nil
}

var (
	status     = regexp.MustCompile(`^[1-5][0-9][0-9]$`)
	headerWord = regexp.MustCompile("^([A-Za-z0-9!#$%&'*+.^_`|~-]+):(.*)$")
	fieldWord  = regexp.MustCompile(`^([^=@]+)([=@])(.*)$`)
)

// take takes one word after the path.
func (r *Request) take(text string, open func(string) ([]byte, error)) error {
	switch {
	case status.MatchString(text):
		if r.Status != 0 {
			return fmt.Errorf("two statuses, %d and %s", r.Status, text)
		}
		r.Status, _ = strconv.Atoi(text)
		return nil
	case strings.HasPrefix(text, "~"):
		if r.Shows != "" || text == "~" {
			return errors.New("one text stands after ~, and the right response has it")
		}
		r.Shows = text[1:]
		return nil
	case text != "" && strings.ContainsAny(text[:1], "{[<"):
		return r.takeBody(text, open)
	}
	header, field := headerWord.FindStringSubmatch(text), fieldWord.FindStringSubmatch(text)
	switch {
	case header != nil:
		return r.takeHeader(header[1], strings.TrimSpace(header[2]))
	case field != nil:
		return r.takeField(field[1], field[2], field[3])
	}
	return fmt.Errorf("%q is none of: a status (404), ~TEXT of the page, name=value, name@SIZE, Header:value, <FILE, {\"json\": …}", text)
}

func (r *Request) takeHeader(name, value string) error {
	name = http.CanonicalHeaderKey(name)
	if slices.Contains([]string{"Host", "Content-Length", "Transfer-Encoding", "Connection", "Cookie"}, name) {
		return fmt.Errorf("header %s is the load's own", name)
	}
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Header.Add(name, value)
	return nil
}

func (r *Request) takeField(name, sign, value string) error {
	field := Field{Name: name, Value: value, File: -1}
	if sign == "@" {
		size, err := ParseSize(value)
		if err != nil {
			return err
		}
		field = Field{Name: name, File: size}
	}
	r.Fields = append(r.Fields, field)
	return nil
}

func (r *Request) takeBody(text string, open func(string) ([]byte, error)) (err error) {
	if r.Body != nil {
		return errors.New("two bodies")
	}
	if name, found := strings.CutPrefix(text, "<"); found {
		if r.Body, err = open(name); err == nil && len(r.Body) == 0 {
			err = fmt.Errorf("read body: %s is empty", name)
		}
		return err
	}
	if !json.Valid([]byte(text)) {
		return fmt.Errorf("%q is no JSON: in single quotes its double quotes stay", text)
	}
	r.Body = []byte(text)
	return nil
}

// consistent returns what cannot be sent together.
func (r *Request) consistent() error {
	switch {
	case len(r.Fields) > 0 && r.Body != nil:
		return errors.New("a form and a body: one of them can be sent")
	case r.reads() && (len(r.Fields) > 0 || r.Body != nil):
		return fmt.Errorf("%s has no body: its values stand in the path, as in /search?q=word", r.Method)
	case r.Status != 0 && r.Status < 200:
		return fmt.Errorf("status %d ends no request", r.Status)
	case r.Shows != "" && r.Method == http.MethodHead:
		return errors.New("the response to HEAD has no page to show a text")
	case RefusesToken(r.Status) && r.Shows == "" && len(r.Pages()) > 0:
		return fmt.Errorf("status %d may be that of a refused token: a text that only the right page has stands after ~, as in ~\"can't be blank\"", r.Status)
	case r.hasFile() && r.Header.Get("Content-Type") != "":
		return errors.New("a form with a file has its own Content-Type")
	}
	return nil
}

var sizeText = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)(B|kB|KB|k|K|MB|M)?$`)

// ParseSize reads the size of a file: 100kB, 1.5MB, 512.
func ParseSize(text string) (int64, error) {
	match := sizeText.FindStringSubmatch(text)
	if match == nil {
		return 0, fmt.Errorf("%q is no size of a file: 100kB, 2MB", text)
	}
	number, err := strconv.ParseFloat(match[1], 64)
	factor := map[byte]float64{'k': 1 << 10, 'M': 1 << 20}[(strings.Replace(match[2], "K", "k", 1) + "B")[0]]
	factor = max(1, factor)
	if size := number * factor; err == nil && size <= maxUpload && size == math.Trunc(size) {
		return int64(size), nil
	}
	return 0, fmt.Errorf("%q is no size of a file: whole bytes, %d MB at most", text, maxUpload>>20)
}
