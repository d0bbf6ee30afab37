package mix

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"slices"
	"strings"
	"testing"
)

func TestRight(t *testing.T) {
	for line, statuses := range map[string][]int{
		"1 GET /":      {200},
		"1 HEAD /":     {200},
		"1 GET / 404":  {404},
		"1 POST /":     {200, 201, 204, 302, 303},
		"1 POST / 422": {422},
	} {
		r := parsed(t, line)[0]
		for _, status := range []int{200, 201, 204, 302, 303, 404, 422, 500} {
			if got := r.Right(status); got != slices.Contains(statuses, status) {
				t.Errorf("%s: status %d is right: %t", line, status, got)
			}
		}
	}
}

func TestOrder(t *testing.T) {
	if got := Order(parsed(t, "50 GET /a\n10 GET /b\n10 GET /c")); !slices.Equal(got, []int{0, 0, 1, 0, 2, 0, 0}) {
		t.Errorf("order %v: 5, 1 and 1, spread", got)
	}
	if got := Order(Gets("/a", "/b")); !slices.Equal(got, []int{0, 1}) {
		t.Errorf("paths in turn: %v", got)
	}
	if got := Order(nil); got != nil {
		t.Errorf("order of nothing: %v", got)
	}
}

func TestFill(t *testing.T) {
	values := Values{Token: func(page string) string { return "<" + page + "+>" }, Unique: "u1"}
	r := parsed(t, "1 POST /posts?u={unique} a[b]='x&y {unique}' t={token} s={token:/posts/new} X-CSRF-Token:{token}")[0]
	path, header, body := r.Fill(values)
	if path != "/posts?u=u1" || header.Get("X-Csrf-Token") != "</posts?u={unique}+>" || header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		t.Errorf("%s %v", path, header)
	}
	if want := "a%5Bb%5D=x%26y+u1&t=%3C%2Fposts%3Fu%3D%7Bunique%7D%2B%3E&s=%3C%2Fposts%2Fnew%2B%3E"; string(body) != want {
		t.Errorf("got  %s\nwant %s", body, want)
	}
	if pages := r.Pages(); !slices.Equal(pages, []string{"/posts/new", "/posts?u={unique}"}) || r.Constant() {
		t.Errorf("pages %q", pages)
	}
	r = parsed(t, `1 POST /posts '{"title": "{unique}"}'`)[0]
	if _, header, body := r.Fill(values); string(body) != `{"title": "u1"}` || header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %v", body, header)
	}
	r = parsed(t, "1 GET /posts")[0]
	if path, header, body := r.Fill(Values{}); path != "/posts" || len(header) != 0 || body != nil || !r.Constant() {
		t.Errorf("%s %v %q", path, header, body)
	}
}

func TestFillWithAFile(t *testing.T) {
	r := parsed(t, "1 POST /upload file@300 note='a b'")[0]
	_, header, body := r.Fill(Values{Unique: "u"})
	_, parameters, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for reader := multipart.NewReader(bytes.NewReader(body), parameters["boundary"]); ; {
		part, err := reader.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(part)
		if err != nil {
			t.Fatal(err)
		}
		if part.FileName() != "" {
			if len(content) != 300 || content[255] != 255 || content[256] != 0 {
				t.Errorf("a file of %d bytes", len(content))
			}
			content = []byte(part.FileName())
		}
		got = append(got, part.FormName()+"="+string(content))
	}
	if want := "file=file-of-300-bytes.bin note=a b"; !strings.HasPrefix(strings.Join(got, " "), want) {
		t.Errorf("got %q", got)
	}
}

// The mixes that come with the project are what its documents say of them.
func TestMixesOfTheProject(t *testing.T) {
	for name, writes := range map[string]int{"blog": 20, "redmine": 10} {
		requests, err := Read("../../../../../testdata/experiments/" + name + ".mix")
		if err != nil {
			t.Fatal(err)
		}
		total, writing := 0, 0
		for i := range requests {
			total += requests[i].Weight
			if !requests[i].reads() {
				writing += requests[i].Weight
			}
		}
		if total != 100 || writing != writes {
			t.Errorf("%s: %d of %d write, want %d of 100", name, writing, total, writes)
		}
	}
}
