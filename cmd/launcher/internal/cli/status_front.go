//go:build linux

package cli

import (
	"cmp"
	"fmt"
	"maps"
	"strings"

	"launcher/preforker/control"
)

// frontLines say what clients have of --http, and what no worker has answered.
func frontLines(f control.FrontStatus, line func(title, words string)) {
	line("http", fmt.Sprintf("%s, connections: %d of at most %d, requests that wait: %d", cmp.Or(strings.Join(f.URLs, " "), f.Address), f.Connections, f.MaxConnections, f.Waiting))
	if f.Evicted > 0 || f.Handshakes > 0 {
		line("  connections", fmt.Sprintf("%d so far, %d of them closed for others, %d without a TLS handshake", f.Accepted, f.Evicted, f.Handshakes))
	}
	refused := map[string]uint64{}
	for _, one := range f.Refused {
		if one.Count > 0 {
			refused[fmt.Sprintf("with %d (%s)", one.Code, one.Reason)] = one.Count
		}
	}
	if len(refused) > 0 {
		line("  refused", reasonWords(refused))
	}
	unanswered := maps.Clone(f.Unanswered)
	maps.DeleteFunc(unanswered, func(_ string, count uint64) bool { return count == 0 })
	if len(unanswered) > 0 {
		line("  unanswered", reasonWords(unanswered))
	}
}
