//go:build linux

package dashboard

import (
	"context"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"launcher/cmd/launcher/internal/dashboard/browsertest"
	"launcher/preforker/control"
)

// shown is a dashboard of an example, with its last hour.
func shown(t *testing.T, slots int, change func(*control.Status)) (*Dashboard, *httptest.Server) {
	t.Helper()
	s := example(slots, time.Now().Truncate(time.Second))
	h := hourOf(s)
	last := h.minute[len(h.minute)-1]
	s.Requests.Served, s.Requests.Errors, s.Requests.Duration.Counts = last.served, last.errors, last.durations
	s.Time = s.Time.Add(time.Second)
	if change != nil {
		change(&s)
	}
	d := New(Launcher{Status: func(context.Context) (control.Status, error) { return s, nil }})
	d.lasting, d.sampling, d.history = true, true, *h
	server := httptest.NewServer(d.Handler(Access{Token: "0123456789abcdef", Open: true}))
	t.Cleanup(func() { d.Close(); server.Close() })
	return d, server
}

func TestScreens(t *testing.T) {
	browser := browsertest.Start(t)
	for name, slots := range map[string]int{"few": 2, "many": 40} {
		_, server := shown(t, slots, nil)
		page := browser.Open(server.URL, browsertest.View{Width: 1280})
		for kind, view := range map[string]browsertest.View{"light": {Width: 1280}, "dark": {Width: 1280, Dark: true}, "narrow": {Width: 360}, "narrow-dark": {Width: 360, Dark: true}, "wide": {Width: 1920}, "medium": {Width: 800}} {
			page.View(view)
			if over := page.Text("document.documentElement.scrollWidth - document.documentElement.clientWidth"); over != "0" {
				t.Errorf("%s, %s: %s pixels are beyond the edge", name, kind, over)
			}
			if os.Getenv(browsertest.Screenshots) != "" {
				page.Shot(name + " " + kind)
			}
		}
		if said := page.Complaints(); len(said) > 0 {
			t.Errorf("%s: %s", name, said)
		}
	}
}
