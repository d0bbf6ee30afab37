package control

import (
	"context"
	"net/http"
	"time"
)

const (
	healthPath = "/healthz"
	readyPath  = "/readyz"
	// probeTimeout is how long the loop may take: a probe of Kubernetes waits for a second.
	probeTimeout = 800 * time.Millisecond
)

// Why new requests are not served.
const (
	UnreadyStopping = "stopping"  // the launcher ends
	UnreadyLoading  = "loading"   // the application, or its first workers come up
	UnreadyFailing  = "failing"   // loads fail again and again, or workers die as they come up
	UnreadyNoWorker = "no worker" // for now: the last ones have ended, the next ones are on their way
)

// Readiness is whether requests are served that come now. One that has to wait for a worker is served.
type Readiness struct {
	Ready  bool   `json:"ready"`
	State  string `json:"state"`            // of the launcher: loading, running, stopping
	Reason string `json:"reason,omitempty"` // why it is not ready
	Slots  int    `json:"slots"`
	Served int    `json:"served"` // of the slots: those that a worker takes new requests of
}

// Probes are GET /healthz, which tells that the supervisor's loop returns, and GET /readyz, which tells that requests are
// served. Ask asks the loop.
func Probes(ask func(context.Context) (Readiness, error)) []Verb {
	return []Verb{Public(healthPath, healthProbe(ask)), Public(readyPath, readyProbe(ask))}
}

func healthProbe(ask func(context.Context) (Readiness, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		readiness, err := askLoop(r.Context(), ask)
		if err != nil {
			refuse(w, http.StatusServiceUnavailable, err)
			return
		}
		write(w, http.StatusOK, struct {
			Healthy bool   `json:"healthy"`
			State   string `json:"state"`
		}{true, readiness.State})
	})
}

func readyProbe(ask func(context.Context) (Readiness, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		readiness, err := askLoop(r.Context(), ask)
		switch {
		case err != nil:
			refuse(w, http.StatusServiceUnavailable, err)
		case readiness.Ready:
			write(w, http.StatusOK, readiness)
		default:
			write(w, http.StatusServiceUnavailable, readiness)
		}
	})
}

func askLoop(ctx context.Context, ask func(context.Context) (Readiness, error)) (Readiness, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	return ask(ctx)
}
