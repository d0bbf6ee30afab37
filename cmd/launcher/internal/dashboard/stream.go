package dashboard

import (
	"bytes"
	"context"
	"net/http"
	"time"
)

const (
	// streamPeriod is the time between two looks at the status.
	streamPeriod = time.Second
	// streamTime is how long a client may take to read what it is sent, once the kernel keeps no more of it; it is dropped beyond it.
	streamTime = 5 * time.Second
	// lookTime is how long each look may take.
	lookTime = 2 * time.Second
	// silence is how long nothing may be sent: whoever stands between takes the connection for dead.
	silence = 15 * time.Second
)

// parts are what the page is made of, in the words of the template.
var parts = [...]string{"head", "said", "alerts", "tiles", "charts", "marks", "slots", "lists"}

// admits says whether somebody may read the page, and tells who may not.
func (p *pages) admits(w http.ResponseWriter, r *http.Request) bool {
	status, err := p.access.check(r, p.admin)
	if err != nil {
		p.fail(w, status, err, "..")
	}
	return err == nil
}

// stream sends each part of the page when it has changed, as server-sent events, to whom it is admitted.
func (p *pages) stream(w http.ResponseWriter, r *http.Request) {
	out := &events{w: w, control: http.NewResponseController(w), patience: p.patience}
	_ = out.control.SetReadDeadline(time.Time{}) // what ends then is the request's context
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Accel-Buffering", "no")
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-p.ctx.Done():
			return
		case <-timer.C:
		}
		v, err := p.viewWithin(r.Context(), lookTime)
		if err != nil {
			return // the browser asks again
		}
		p.personal(&v, r)
		if !out.send(v) {
			return
		}
		timer.Reset(p.period)
	}
}

// viewWithin holds up no other who looks for longer.
func (p *pages) viewWithin(ctx context.Context, most time.Duration) (view, error) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	return p.view(ctx)
}

// events writes the parts that differ from those that it has written before.
type events struct {
	w        http.ResponseWriter
	control  *http.ResponseController
	patience time.Duration
	sent     [len(parts)][]byte
	known    [len(parts)]bool
	last     time.Time
	made     bytes.Buffer
	text     bytes.Buffer
}

// send returns false when the client does not read, or is gone.
func (e *events) send(v view) bool {
	e.text.Reset()
	for i, part := range parts {
		e.made.Reset()
		if err := pageTemplate().ExecuteTemplate(&e.made, part, v); err != nil {
			return false
		}
		if e.known[i] && bytes.Equal(e.sent[i], e.made.Bytes()) {
			continue
		}
		e.known[i], e.sent[i] = true, append(e.sent[i][:0], e.made.Bytes()...)
		e.text.WriteString("event: " + part + "\n")
		for line := range bytes.SplitSeq(e.sent[i], []byte("\n")) {
			e.text.WriteString("data: ")
			e.text.Write(line)
			e.text.WriteByte('\n')
		}
		e.text.WriteByte('\n')
	}
	if e.text.Len() == 0 {
		if time.Since(e.last) < silence {
			return true
		}
		e.text.WriteString(":\n\n")
	}
	e.last = time.Now()
	if e.control.SetWriteDeadline(e.last.Add(e.patience)) != nil {
		return false
	}
	_, err := e.w.Write(e.text.Bytes())
	return err == nil && e.control.Flush() == nil
}
