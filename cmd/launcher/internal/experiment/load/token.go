package load

import (
	"bytes"
	"net/url"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// maxPage bounds what is kept of a page to look for its token.
const maxPage = 4 << 20

// tokenField is the field of Rails' forms, tokenMeta the name of what its layouts have in the head for scripts.
const (
	tokenField = "authenticity_token"
	tokenMeta  = "csrf-token"
)

// findToken returns the token of a page for a request: the page's own, which is that of every form; else that of
// the form which leads to the path of the request, since with tokens of its own a form takes no other; else the first.
func findToken(page []byte, path string) (token string, found bool) {
	target, _, _ := strings.Cut(path, "?")
	first, action := "", ""
	for tokens := html.NewTokenizer(bytes.NewReader(page)); ; {
		kind := tokens.Next()
		if kind == html.ErrorToken {
			return first, first != ""
		}
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		tag := tokens.Token()
		switch tag.DataAtom {
		case atom.Meta:
			if value := attribute(tag, "content"); attribute(tag, "name") == tokenMeta && value != "" {
				return value, true
			}
		case atom.Form:
			action = attribute(tag, "action")
		case atom.Input:
			value := attribute(tag, "value")
			if attribute(tag, "name") != tokenField || value == "" {
				continue
			}
			if leads, err := url.Parse(action); err == nil && leads.Path == target {
				return value, true
			}
			if first == "" {
				first = value
			}
		}
	}
}

func attribute(tag html.Token, name string) string {
	for _, a := range tag.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// boundedWriter keeps the beginning of what is written to it.
type boundedWriter struct {
	to   *bytes.Buffer
	room int
}

func (w *boundedWriter) Write(p []byte) (int, error) {
	kept := p[:min(len(p), w.room)]
	w.room -= len(kept)
	w.to.Write(kept)
	return len(p), nil
}
