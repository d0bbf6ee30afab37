package load

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// MaxRequests bounds a plan: every latency is kept, in eight bytes.
const MaxRequests = 10_000_000

// userAgent is sent where the plan's header names no other.
const userAgent = "launcher-experiment"

// Plan is what is requested.
type Plan struct {
	Paths       []string      // requested in turn: "/posts?page=2", escaped as on the wire
	Requests    int           // their number, MaxRequests at most
	Connections int           // the largest number of requests at once
	Rate        float64       // requests a second; 0: each as soon as a connection is free
	Timeout     time.Duration // of one request, connecting included
	Host        string        // of the requests; "" is localhost
	Header      http.Header   // added to each request
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
	if len(p.Paths) == 0 {
		return errors.New("there is no path to ask for")
	}
	_, err := p.requests()
	return err
}

// requests returns the request of each path.
func (p *Plan) requests() ([]*http.Request, error) {
	header := p.Header.Clone()
	if header == nil {
		header = make(http.Header)
	}
	if header.Get("User-Agent") == "" {
		header.Set("User-Agent", userAgent)
	}
	host := p.Host
	if host == "" {
		host = "localhost"
	}
	requests := make([]*http.Request, 0, len(p.Paths))
	for _, path := range p.Paths {
		// A space would end the path early, and a fragment is the browser's own.
		if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, " #") {
			return nil, fmt.Errorf("path %q is malformed", path)
		}
		u, err := url.ParseRequestURI(path)
		if err != nil {
			return nil, fmt.Errorf("read path: %w", err)
		}
		requests = append(requests, &http.Request{Method: http.MethodGet, URL: u, Host: host, Header: header})
	}
	return requests, nil
}
