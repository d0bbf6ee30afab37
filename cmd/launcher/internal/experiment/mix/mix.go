package mix

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Request is one kind of request.
type Request struct {
	Weight int    // its part of all, at least 1
	Method string // GET
	Path   string // "/posts?page=2", escaped as on the wire
	// Status of the right response. 0: 200 for GET and HEAD, and for the others, which mostly redirect,
	// any of 200 to 399.
	Status int
	// Shows is a text that the right response has in its page or in the Location that it leads to; "": any is right.
	Shows  string
	Header http.Header // added to what each request has
	Fields []Field     // of a form
	// Body is sent as it is where there are no fields.
	Body []byte
	// Text is the line that it was read from, without its weight.
	Text string
}

// Field is a field of a form: a value, or a file.
type Field struct {
	Name, Value string
	// File is the size of a file in bytes; negative where the field is no file.
	File int64
}

// Gets returns a GET of each path, all as often.
func Gets(paths ...string) []Request {
	requests := make([]Request, len(paths))
	for i, path := range paths {
		requests[i] = Request{Weight: 1, Method: http.MethodGet, Path: path}
	}
	return requests
}

// Right says whether a status is the one that a response should have.
func (r *Request) Right(status int) bool {
	switch {
	case r.Status != 0:
		return status == r.Status
	case r.reads():
		return status == http.StatusOK
	default:
		return status >= 200 && status < 400
	}
}

// Shown says whether a response has the text that the right one has.
func (r *Request) Shown(header http.Header, page []byte) bool {
	return bytes.Contains(page, []byte(r.Shows)) || strings.Contains(header.Get("Location"), r.Shows)
}

// RefusesToken says whether a status may be that of a wrong token: of Rails 422, of others 403.
func RefusesToken(status int) bool {
	return status == http.StatusUnprocessableEntity || status == http.StatusForbidden
}

func (r *Request) reads() bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// String names the request: GET /posts.
func (r *Request) String() string { return r.Method + " " + r.Path }

// Line returns the request as a file of a mix has it.
func (r *Request) Line() string {
	if r.Text == "" {
		return fmt.Sprintf("%d %s", r.Weight, r)
	}
	return fmt.Sprintf("%d %s", r.Weight, r.Text)
}

// Order returns the requests of one round of the mix, as indices: each as often as its weight says, after
// the greatest common divisor is taken off, and spread evenly: it is the smooth weighted
// round-robin of nginx.
func Order(requests []Request) []int {
	divisor, total := 0, 0
	for i := range requests {
		divisor = gcd(divisor, requests[i].Weight)
		total += requests[i].Weight
	}
	if divisor == 0 {
		return nil
	}
	total /= divisor
	due := make([]int, len(requests))
	order := make([]int, 0, total)
	for range total {
		next := 0
		for i := range requests {
			due[i] += requests[i].Weight / divisor
			if due[i] > due[next] {
				next = i
			}
		}
		due[next] -= total
		order = append(order, next)
	}
	return order
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// methods are those that a request may have.
func methods() []string {
	return []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
}

// Idempotent says whether a request may be sent again (RFC 9110, section 9.2.2).
func (r *Request) Idempotent() bool {
	return !slices.Contains([]string{http.MethodPost, http.MethodPatch}, r.Method)
}

// hasFile says whether the body is a form with a file.
func (r *Request) hasFile() bool {
	return slices.ContainsFunc(r.Fields, func(f Field) bool { return f.File >= 0 })
}

// texts returns all that may have a placeholder.
func (r *Request) texts() []string {
	texts := []string{r.Path, string(r.Body)}
	for _, field := range r.Fields {
		texts = append(texts, field.Value)
	}
	for _, values := range r.Header {
		texts = append(texts, strings.Join(values, "\n"))
	}
	return texts
}
