package load

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"launcher/cmd/launcher/internal/experiment/mix"
)

// MaxRequests bounds a plan: every latency is kept, in eight bytes.
const MaxRequests = 10_000_000

// userAgent is sent where the plan's header names no other.
const userAgent = "launcher-experiment"

// Plan is what is requested.
type Plan struct {
	Mix         []mix.Request // what is requested, each as often as its weight says
	Requests    int           // their number, MaxRequests at most
	Connections int           // the largest number of requests at once
	Rate        float64       // requests a second; 0: each as soon as a connection is free
	Timeout     time.Duration // of one request, connecting included
	Host        string        // of the requests; "" is localhost
	Header      http.Header   // added to each request
	// Visitors makes a visitor of each connection, who keeps cookies and takes tokens from forms.
	Visitors bool
	// Enough is called after each second with the right responses of that second, where it is not nil. No
	// more requests are made once it has returned true.
	Enough func(second, responses int) bool
}

// Check returns what is wrong with the plan.
func (p *Plan) Check() error {
	switch {
	case p.Requests <= 0 || p.Requests > MaxRequests:
		return fmt.Errorf("number of requests is %d: 1 to %d are possible", p.Requests, MaxRequests)
	case p.Connections <= 0:
		return fmt.Errorf("number of connections is %d", p.Connections)
	case p.Rate < 0 || math.IsNaN(p.Rate) || math.IsInf(p.Rate, 0):
		return fmt.Errorf("rate is %v requests a second", p.Rate)
	case p.Rate > 0 && float64(p.Requests)/p.Rate > math.MaxInt64/float64(time.Second):
		return fmt.Errorf("rate is %v requests a second: the last one would never be due", p.Rate)
	}
	return p.checkRequest()
}

// checkRequest checks what concerns one request.
func (p *Plan) checkRequest() error {
	if p.Timeout <= 0 {
		return fmt.Errorf("time-out of a request is %v", p.Timeout)
	}
	if strings.ContainsAny(p.Host, "\r\n\x00/ ") {
		return fmt.Errorf("host %q is malformed", p.Host)
	}
	for name, values := range p.Header {
		if name == "" || strings.ContainsAny(name, ": \t\r\n\x00") || strings.ContainsAny(strings.Join(values, ""), "\r\n\x00") {
			return fmt.Errorf("header %q is malformed", name)
		}
	}
	if len(p.Mix) == 0 {
		return errors.New("there is no path to ask for")
	}
	for i := range p.Mix {
		if err := mix.CheckPath(p.Mix[i].Path); err != nil {
			return err
		}
	}
	return nil
}

// messages returns the constant request of each kind.
func (p *Plan) messages() ([]*message, error) {
	messages := make([]*message, len(p.Mix))
	for i := range p.Mix {
		var err error
		if messages[i], err = p.message(&p.Mix[i], mix.Values{}); err != nil {
			return nil, err
		}
	}
	return messages, nil
}

// message is a request on its way.
type message struct {
	request    *http.Request // without a body
	body       []byte
	idempotent bool
	// page receives the body of the response, where it is not nil.
	page *bytes.Buffer
}

// message returns a request whose placeholders have values.
func (p *Plan) message(r *mix.Request, values mix.Values) (*message, error) {
	path, header, body := r.Fill(values)
	u, err := url.ParseRequestURI(path)
	if err != nil {
		return nil, fmt.Errorf("read path: %w", err)
	}
	for name, list := range p.Header {
		for _, value := range list {
			header.Add(name, value)
		}
	}
	if header.Get("User-Agent") == "" {
		header.Set("User-Agent", userAgent)
	}
	return &message{request: &http.Request{Method: r.Method, URL: u, Host: cmp.Or(p.Host, "localhost"), Header: header},
		body: body, idempotent: r.Idempotent()}, nil
}
