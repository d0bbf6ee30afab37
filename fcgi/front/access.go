package front

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
	"unicode/utf16"
)

// access is a request that was answered, as the access log tells it.
type access struct {
	Time      time.Time `json:"time"` // when it came
	Client    string    `json:"client"`
	Host      string    `json:"host"`
	Method    string    `json:"method"`
	Target    string    `json:"target"`
	Protocol  string    `json:"protocol"`
	Status    int       `json:"status"`
	Bytes     int64     `json:"bytes"` // of the body
	Referer   string    `json:"referer"`
	UserAgent string    `json:"user_agent"`
	Seconds   float64   `json:"seconds"` // until its response was sent
	Slot      *int      `json:"slot"`    // of the worker; nil for none
}

// noSlot is that of a response that no worker has made.
const noSlot = -1

// loggedWriter is a response whose status and size are counted.
type loggedWriter struct {
	http.ResponseWriter
	start  time.Time
	status int
	bytes  int64
	slot   int
}

// WriteHeader notes the status.
func (w *loggedWriter) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *loggedWriter) Write(p []byte) (int, error) {
	w.begin()
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// ReadFrom leaves files to net/http, which does not copy them.
func (w *loggedWriter) ReadFrom(r io.Reader) (int64, error) {
	w.begin()
	n, err := io.Copy(w.ResponseWriter, r)
	w.bytes += n
	return n, err
}

func (w *loggedWriter) begin() {
	if w.status == 0 {
		w.status = http.StatusOK
	}
}

// FlushError, Flush and Unwrap are what http.ResponseController and those that wrap this writer look for.
func (w *loggedWriter) FlushError() error {
	w.begin()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Flush is FlushError without the error.
func (w *loggedWriter) Flush() { _ = w.FlushError() }

// Unwrap returns the writer below.
func (w *loggedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// noteSlot notes whose worker has answered.
func noteSlot(w http.ResponseWriter, slot int) {
	if logged, ok := w.(*loggedWriter); ok {
		logged.slot = slot
	}
}

// note adds a line about a request that is over.
func (l *AccessLog) note(w *loggedWriter, r *http.Request, client string) {
	a := access{Time: w.start, Client: client, Host: cutTo(r.Host, maxAccess), Method: cutTo(r.Method, maxAccess), Target: cutTo(r.RequestURI, maxAccess),
		Protocol: r.Proto, Status: w.status, Bytes: w.bytes, Referer: cutTo(r.Referer(), maxAccess), UserAgent: cutTo(r.UserAgent(), maxAccess),
		Seconds: time.Since(w.start).Seconds()}
	if a.Status == 0 {
		a.Status = http.StatusOK // net/http's
	}
	if w.slot != noSlot {
		a.Slot = &w.slot
	}
	l.add(&a)
}

// maxAccess is how many bytes of each text that a client chose reach the access log.
const maxAccess = 2 << 10

// appendCombined appends a line of the combined format, and behind it what that has no place for.
func (a *access) appendCombined(line []byte) []byte {
	line = append(line, a.Client...)
	line = append(line, " - - ["...)
	line = a.Time.AppendFormat(line, "02/Jan/2006:15:04:05 -0700")
	line = append(line, `] "`...)
	line = appendEscaped(line, a.Method)
	line = append(line, ' ')
	line = appendEscaped(line, a.Target)
	line = append(line, ' ')
	line = append(line, a.Protocol...)
	line = append(line, `" `...)
	line = strconv.AppendInt(line, int64(a.Status), 10)
	line = append(line, ' ')
	line = strconv.AppendInt(line, a.Bytes, 10)
	line = append(line, ` "`...)
	line = appendEscaped(line, orDash(a.Referer))
	line = append(line, `" "`...)
	line = appendEscaped(line, orDash(a.UserAgent))
	line = append(line, `" `...)
	line = strconv.AppendFloat(line, a.Seconds, 'f', 3, 64)
	if a.Slot == nil {
		return append(line, " -\n"...)
	}
	line = append(line, ' ')
	return append(strconv.AppendInt(line, int64(*a.Slot), 10), '\n')
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// appendEscaped appends a text that a client chose as Apache's httpd writes it: what is not printable ASCII by the
// number of each byte.
func appendEscaped(line []byte, text string) []byte {
	const digits = "0123456789abcdef"
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			line = append(line, '\\', c)
		case c < ' ' || c > '~':
			line = append(line, '\\', 'x', digits[c>>4], digits[c&0xf])
		default:
			line = append(line, c)
		}
	}
	return line
}

// appendJSON appends a line of JSON, in ASCII: some characters do something to a terminal.
func (a *access) appendJSON(line []byte) []byte {
	text, err := json.Marshal(a)
	if err != nil {
		return line // of texts and numbers that JSON has
	}
	for _, r := range string(text) {
		if r <= '~' {
			line = append(line, byte(r))
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			line = fmt.Appendf(line, `\u%04x`, unit)
		}
	}
	return append(line, '\n')
}
