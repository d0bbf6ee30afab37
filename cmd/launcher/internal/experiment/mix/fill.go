package mix

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Placeholders in a path, a header, a value or a body.
const (
	tokenMark  = "{token}"
	uniqueMark = "{unique}"
)

// tokenOf is a token of a page that is named: {token:/posts/new}.
var tokenOf = regexp.MustCompile(`\{token:(/[^{}\s]*)\}`)

// Values are what the placeholders of one request stand for.
type Values struct {
	// Token returns the token of a page.
	Token func(page string) string
	// Unique is a text that no other request has.
	Unique string
}

// Pages returns the pages whose tokens the request needs, each once.
func (r *Request) Pages() []string {
	var pages []string
	for _, text := range r.texts() {
		if strings.Contains(text, tokenMark) {
			pages = append(pages, r.Path)
		}
		for _, match := range tokenOf.FindAllStringSubmatch(text, -1) {
			pages = append(pages, match[1])
		}
	}
	slices.Sort(pages)
	return slices.Compact(pages)
}

// Constant says whether all requests of this kind are the same.
func (r *Request) Constant() bool {
	for _, text := range r.texts() {
		if strings.Contains(text, tokenMark) || strings.Contains(text, uniqueMark) || tokenOf.MatchString(text) {
			return false
		}
	}
	return true
}

func (r *Request) fill(text string, values Values) string {
	if !strings.Contains(text, "{") {
		return text
	}
	text = strings.ReplaceAll(text, uniqueMark, values.Unique)
	if values.Token == nil {
		return text
	}
	if strings.Contains(text, tokenMark) {
		text = strings.ReplaceAll(text, tokenMark, values.Token(r.Path))
	}
	return tokenOf.ReplaceAllStringFunc(text, func(mark string) string {
		return values.Token(tokenOf.FindStringSubmatch(mark)[1])
	})
}

// Fill returns the parts of a request on the wire, the placeholders replaced. Its header has the body's type.
func (r *Request) Fill(values Values) (path string, header http.Header, body []byte) {
	path = r.fill(r.Path, values)
	header = make(http.Header, len(r.Header)+1)
	for name, list := range r.Header {
		for _, value := range list {
			header.Add(name, r.fill(value, values))
		}
	}
	kind := ""
	switch {
	case r.hasFile():
		kind, body = r.multipart(values)
	case len(r.Fields) > 0:
		kind, body = "application/x-www-form-urlencoded", r.form(values)
	case len(r.Body) > 0:
		kind, body = "application/json", []byte(r.fill(string(r.Body), values))
	}
	if kind != "" && header.Get("Content-Type") == "" {
		header.Set("Content-Type", kind)
	}
	return path, header, body
}

func (r *Request) form(values Values) []byte {
	pairs := make([]string, len(r.Fields))
	for i, field := range r.Fields {
		pairs[i] = url.QueryEscape(field.Name) + "=" + url.QueryEscape(r.fill(field.Value, values))
	}
	return []byte(strings.Join(pairs, "&"))
}

// boundary stands between the parts of a form with a file. It is the same each time, as the files are: no file has it.
const boundary = "launcher-experiment-boundary"

func (r *Request) multipart(values Values) (kind string, body []byte) {
	var out bytes.Buffer
	writer := multipart.NewWriter(&out)
	_ = writer.SetBoundary(boundary) // it is well-formed
	for _, field := range r.Fields {
		// A buffer takes all that is written.
		if field.File < 0 {
			_ = writer.WriteField(field.Name, r.fill(field.Value, values))
			continue
		}
		part, _ := writer.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {multipart.FileContentDisposition(field.Name, "file-of-"+strconv.FormatInt(field.File, 10)+"-bytes.bin")},
			"Content-Type":        {"application/octet-stream"}})
		_, _ = part.Write(fileOf(field.File))
	}
	_ = writer.Close()
	return writer.FormDataContentType(), out.Bytes()
}

// fileOf returns a file of a size: every byte there is, again and again.
func fileOf(size int64) []byte {
	content := make([]byte, size)
	for i := range content {
		content[i] = byte(i)
	}
	return content
}
