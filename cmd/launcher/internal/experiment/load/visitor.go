package load

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"time"

	"launcher/cmd/launcher/internal/experiment/mix"
)

// visitor makes the requests of one slot. Where the plan has visitors, it keeps the cookies that it
// is given, and sends with a form the token of the page that the form is on.
type visitor struct {
	plan   *Plan
	slot   slot
	jar    *cookiejar.Jar    // nil: it is a client without a memory
	tokens map[string]string // of pages
}

func newVisitor(plan *Plan, s slot) *visitor {
	v := &visitor{plan: plan, slot: s, tokens: make(map[string]string)}
	if plan.Visitors {
		v.jar, _ = cookiejar.New(nil) // it has no error to tell
	}
	return v
}

func (v *visitor) close() { v.slot.close() }

// request makes a request, and returns when it was sent: the pages with its tokens are requested before,
// once. A token that is no more accepted, since the visitor has logged in perhaps, is fetched
// anew, and the request sent again.
func (v *visitor) request(ctx context.Context, kind int, unique func() string) (Response, note, time.Time, error) {
	r := &v.plan.Mix[kind]
	if v.jar == nil && r.Constant() && r.Shows == "" {
		began := time.Now()
		response, noted, err := v.slot.request(ctx, kind, nil)
		return response, noted, began, err
	}
	fetched, err := v.fetch(ctx, kind)
	if err != nil {
		return Response{}, note{}, time.Now(), err
	}
	values := mix.Values{Token: func(page string) string { return v.tokens[page] }}
	if unique != nil {
		values.Unique = unique()
	} else {
		values.Unique = "0"
	}
	began := time.Now()
	response, noted, err := v.send(ctx, kind, values)
	if err == nil && !fetched && len(r.Pages()) > 0 && wrong(r, response) != "" && mix.RefusesToken(response.Status) {
		clear(v.tokens)
		if _, err := v.fetch(ctx, kind); err != nil {
			return Response{}, noted, began, err
		}
		response, noted, err = v.send(ctx, kind, values)
	}
	return response, noted, began, err
}

func (v *visitor) send(ctx context.Context, kind int, values mix.Values) (Response, note, error) {
	r := &v.plan.Mix[kind]
	m, err := v.plan.message(r, values)
	if err != nil {
		return Response{}, note{}, err
	}
	if r.Shows != "" {
		m.page = new(bytes.Buffer)
	}
	response, noted, err := v.exchange(ctx, kind, m)
	if m.page != nil {
		response.page = m.page.Bytes()
	}
	return response, noted, err
}

// exchange sends a message with the visitor's cookies, and keeps those of the response.
func (v *visitor) exchange(ctx context.Context, kind int, m *message) (Response, note, error) {
	if v.jar == nil {
		return v.slot.request(ctx, kind, m)
	}
	site := &url.URL{Scheme: "http", Host: m.request.Host, Path: m.request.URL.Path}
	for _, cookie := range v.jar.Cookies(site) {
		m.request.AddCookie(cookie)
	}
	response, noted, err := v.slot.request(ctx, kind, m)
	if set := (&http.Response{Header: response.Header}).Cookies(); err == nil && len(set) > 0 {
		v.jar.SetCookies(site, set)
	}
	return response, noted, err
}

// fetch requests the pages whose tokens a request needs and the visitor has not, and says whether there were any.
func (v *visitor) fetch(ctx context.Context, kind int) (fetched bool, err error) {
	r := &v.plan.Mix[kind]
	for _, page := range r.Pages() {
		if _, known := v.tokens[page]; known {
			continue
		}
		fetched = true
		m, err := v.plan.message(&mix.Request{Method: http.MethodGet, Path: page}, mix.Values{})
		if err != nil {
			return fetched, err
		}
		m.page = new(bytes.Buffer)
		response, _, err := v.exchange(ctx, kind, m)
		if err != nil {
			return fetched, err
		}
		token, found := findToken(m.page.Bytes(), r.Path)
		if !found {
			return fetched, fmt.Errorf("no token is on the page %s, whose status is %d", page, response.Status)
		}
		v.tokens[page] = token
	}
	return fetched, nil
}
