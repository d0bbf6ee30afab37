package metrics

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/common/expfmt"

	"launcher/preforker/control"
)

// scrapeTimeout is how long a status may take. It takes milliseconds, and 100 of them where many processes are measured.
const scrapeTimeout = time.Second

// Source asks for a status.
type Source func(context.Context) (control.Status, error)

// Handler returns what answers to a scrape: in OpenMetrics to those who ask for it, as Prometheus does, and in the older text
// format to all others. It is for GET. A scrape of a launcher that does not tell its status fails: there is no half of one.
func Handler(source Source, compat Compat) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), scrapeTimeout)
		defer cancel()
		status, err := source(ctx)
		if err != nil {
			http.Error(w, fmt.Sprintf("ask for the status: %v", err), http.StatusServiceUnavailable)
			return
		}
		format := expfmt.NegotiateIncludingOpenMetrics(r.Header)
		w.Header().Set("Content-Type", string(format))
		encoder := expfmt.NewEncoder(w, format)
		for _, family := range append(families(), compat.families()...) {
			if metrics := family.metrics(&status); metrics != nil && encoder.Encode(metrics) != nil {
				return // who asked has left
			}
		}
		if end, has := encoder.(expfmt.Closer); has { // "# EOF"
			_ = end.Close()
		}
	})
}
