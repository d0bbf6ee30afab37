package mix

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func parsed(t *testing.T, text string) []Request {
	t.Helper()
	requests, err := parse("m", []byte(text), noFiles)
	if err != nil {
		t.Fatal(err)
	}
	return requests
}

func noFiles(name string) ([]byte, error) { return nil, errors.New("read body: no " + name) }

func TestParse(t *testing.T) {
	requests := parsed(t, "\ufeff# the blog\n\n40 GET /posts # most\r\n"+
		"  5\tGET /nonexistent 404\n"+
		"10 POST /posts post[title]=\"Hello, 'World'\" post[body]='a \"b\"' authenticity_token={token} 302 X-A:b\n"+
		"5 POST /upload file@1.5kB 200\n"+
		"1 PUT /posts/1 '{\"title\": \"#1\"}' Accept:application/json\n"+
		"1 POST /posts t={token} 422 ~\"be blank\"\n")
	want := []Request{
		{Weight: 40, Method: "GET", Path: "/posts", Text: "GET /posts # most"},
		{Weight: 5, Method: "GET", Path: "/nonexistent", Status: 404, Text: "GET /nonexistent 404"},
		{Weight: 10, Method: "POST", Path: "/posts", Status: 302, Header: http.Header{"X-A": {"b"}},
			Fields: []Field{{"post[title]", "Hello, 'World'", -1}, {"post[body]", `a "b"`, -1}, {"authenticity_token", "{token}", -1}},
			Text:   `POST /posts post[title]="Hello, 'World'" post[body]='a "b"' authenticity_token={token} 302 X-A:b`},
		{Weight: 5, Method: "POST", Path: "/upload", Status: 200, Fields: []Field{{"file", "", 1536}}, Text: "POST /upload file@1.5kB 200"},
		{Weight: 1, Method: "PUT", Path: "/posts/1", Header: http.Header{"Accept": {"application/json"}}, Body: []byte(`{"title": "#1"}`),
			Text: `PUT /posts/1 '{"title": "#1"}' Accept:application/json`},
		{Weight: 1, Method: "POST", Path: "/posts", Status: 422, Shows: "be blank", Fields: []Field{{"t", "{token}", -1}}, Text: `POST /posts t={token} 422 ~"be blank"`},
	}
	if !reflect.DeepEqual(requests, want) {
		t.Errorf("got  %+v\nwant %+v", requests, want)
	}
	if line := requests[1].Line(); line != "5 GET /nonexistent 404" {
		t.Errorf("as a line %q", line)
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "m has no request",
		"# nothing\n\n":                    "m has no request",
		"1 GET /\n\n40 /posts":             "m:3: a line is WEIGHT METHOD PATH",
		"GET /posts 200":                   `m:1: "GET" is no weight`,
		"0 GET /":                          `m:1: "0" is no weight`,
		"2.5 GET /":                        `m:1: "2.5" is no weight`,
		"99999 GET /":                      `m:1: "99999" is no weight`,
		"1 get /":                          `m:1: "get" is no method: GET, HEAD, POST`,
		"1 GET posts":                      `m:1: path "posts" is malformed`,
		"1 GET http://x/":                  "m:1: path",
		"1 GET '/a b'":                     "m:1: path",
		"1 GET /%zz":                       "m:1: read path",
		"1 POST / title='a":                "m:1: the quote ' is not closed",
		"1 GET /\x00":                      "m:1: it is no line of text",
		"1 GET /\xff":                      "m:1: it is no line of text",
		"1 POST / title":                   `m:1: "title" is none of: a status`,
		"1 POST / 99":                      `m:1: "99" is none of: a status`,
		"1 GET / 200 404":                  "m:1: two statuses",
		"1 GET / 101":                      "m:1: status 101 ends no request",
		"1 GET / q=1":                      "m:1: GET has no body",
		"1 POST / a=b {}":                  "m:1: a form and a body",
		"1 POST / {} {}":                   "m:1: two bodies",
		"1 POST / {a}":                     `m:1: "{a}" is no JSON`,
		"1 POST / <there":                  "m:1: read body: no there",
		"1 POST / file@big":                `m:1: "big" is no size`,
		"1 POST / file@1GB":                `m:1: "1GB" is no size`,
		"1 POST / file@999MB":              `m:1: "999MB" is no size`,
		"1 POST / file@0.3":                `m:1: "0.3" is no size`,
		"1 POST / file@1 Content-Type:a/b": "m:1: a form with a file has its own Content-Type",
		"1 GET / ~":                        "m:1: one text stands after ~",
		"1 GET / ~a ~b":                    "m:1: one text stands after ~",
		"1 HEAD / ~a":                      "m:1: the response to HEAD has no page",
		"1 POST / t={token} 422":           "m:1: status 422 may be that of a refused token",
		"1 DELETE / X-T:{token:/a} 403":    "m:1: status 403 may be that of a refused token",
		"1 GET / Host:example.org":         "m:1: header Host is the load's own",
		"1 GET / Cookie:a=b":               "m:1: header Cookie is the load's own",
		strings.Repeat("1 GET /\n", 1001):  "m:1001: a mix has 1000 requests at most",
	} {
		_, err := parse("m", []byte(text), noFiles)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: got %v, want %q", text, err, want)
		}
	}
}

// A body is named beside the file that names it, wherever the experiment is started.
func TestReadWithABodyBeside(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"mix": "1 POST / <note.xml Content-Type:text/xml", "note.xml": "<note/>"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	requests, err := Read(filepath.Join(dir, "mix"))
	if err != nil || string(requests[0].Body) != "<note/>" {
		t.Errorf("%+v, %v", requests, err)
	}
	if _, err := Read(filepath.Join(dir, "nothing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := Read(dir); err == nil {
		t.Error("a folder is no mix")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("40 GET /posts\n5 GET /nothing 404 # not there\n10 POST /posts a[b]=\"c d\" t={token:/new} f@3kB X-Y:z 302\n1 PUT / '{\"a\": 1}'")
	f.Add("1 POST / t={token} 403 ~\"a b\"")
	f.Add("1 POST / <file")
	f.Add("1 GET '")
	f.Fuzz(func(t *testing.T, text string) {
		requests, err := parse("m", []byte(text), func(string) ([]byte, error) { return []byte("body"), nil })
		if err != nil {
			if strings.Contains(err.Error(), "\n") && !strings.Contains(text, "\n") {
				t.Errorf("an error of two lines: %q", err)
			}
			return
		}
		if order := Order(requests); len(order) == 0 || len(order) > maxWeight*len(requests) {
			t.Errorf("an order of %d", len(order))
		}
		for i := range requests {
			r := &requests[i]
			r.capFiles()
			// What was read is read again from its own line.
			again, err := parse("m", []byte(r.Line()), func(string) ([]byte, error) { return []byte("body"), nil })
			if err != nil || len(again) != 1 || again[0].String() != r.String() || again[0].Weight != r.Weight {
				t.Errorf("%q: %+v, %v", r.Line(), again, err)
			}
			r.Fill(Values{Token: func(string) string { return "t" }, Unique: "u"})
		}
	})
}

// capFiles keeps a fuzzed file small.
func (r *Request) capFiles() {
	for i := range r.Fields {
		r.Fields[i].File = min(r.Fields[i].File, 10)
	}
}

// TestWhatIsNoMix is refused at once, as what a body is read from.
func TestWhatIsNoMix(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "mix")
	long := filepath.Join(dir, "long")
	err := errors.Join(os.WriteFile(file, []byte("1 POST / </dev/zero\n"), 0o600), os.WriteFile(long, make([]byte, maxFile+1), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/dev/zero": "read mix: /dev/zero is a device", dir: "is a folder", file: "mix:1: read body: /dev/zero is a device", "/proc/kmsg": "is made by the kernel", long: "long has more than 1048576 bytes: it is no mix"} {
		if _, err := Read(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
