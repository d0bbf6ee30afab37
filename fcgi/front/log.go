package front

import (
	"fmt"
	"net/http"
	"strings"
)

// Keys of the log.
const (
	keySocket = "socket"
	keyMethod = "method"
	keyPath   = "path"
	keyStatus = "status"
	keyError  = "error"
	keyLine   = "line"
	keyFile   = "file"
	keyLimit  = "limit"
	keyPeer   = "peer"
	keyHeader = "header"
	keyLines  = "lines"
)

// maxLogged is how many bytes of a text that a client chose reach the log.
const maxLogged = 200

// about names a request in the log.
func about(r *http.Request) []any {
	return []any{keyMethod, cut(r.Method), keyPath, cut(r.URL.Path)}
}

// cut shortens a text and says by how much.
func cut(s string) string { return cutTo(s, maxLogged) }

func cutTo(s string, max int) string {
	if len(s) <= max {
		return s
	}
	return strings.ToValidUTF8(s[:max], "") + fmt.Sprintf("… (%d bytes)", len(s))
}
