package front

import (
	"net/http"
	"strconv"

	"launcher/fcgi"
)

// writeHead passes the response head on, without what concerns the connection. The length is that of the body, -1
// where it is not known.
func writeHead(w http.ResponseWriter, resp *fcgi.Response, goesOn bool, length int) {
	header := w.Header()
	copyHeader(header, resp.Header, goesOn)
	if _, ok := header["Content-Type"]; !ok {
		header["Content-Type"] = nil // or net/http guesses one
	}
	if resp.Status == http.StatusNoContent {
		delete(header, "Content-Length") // RFC 9110, section 8.6
	} else if length >= 0 {
		header.Set("Content-Length", strconv.Itoa(length))
	}
	if compressible(resp.Header) {
		varyByEncoding(header)
	}
	w.WriteHeader(resp.Status)
}

// copyHeader copies what of a response's header is not about the connection to the worker. Where the connection
// does not go on, it ends with the response: what a client sends that may still be sending must not be taken for the next request.
func copyHeader(to, from http.Header, goesOn bool) {
	for name, values := range from {
		to[name] = values
	}
	if !goesOn {
		to.Set("Connection", "close")
	}
}

func hasBody(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}
