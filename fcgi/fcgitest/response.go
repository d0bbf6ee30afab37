package fcgitest

import (
	"slices"

	"launcher/fcgi"
)

// requestID is what the client calls its one request.
const requestID = 1

// Stdout returns a record of the response.
func Stdout(s string) []byte { return fcgi.AppendRecord(nil, fcgi.TypeStdout, requestID, []byte(s)) }

// Stderr returns a record of the error stream.
func Stderr(s string) []byte { return fcgi.AppendRecord(nil, fcgi.TypeStderr, requestID, []byte(s)) }

// End returns the END_REQUEST of a completed request.
func End() []byte { return fcgi.AppendEndRequest(nil, requestID, 0, fcgi.StatusRequestComplete) }

// Whole returns a complete response.
func Whole(head, body string) []byte {
	return slices.Concat(Stdout(head+"\r\n\r\n"+body), Stdout(""), End())
}
