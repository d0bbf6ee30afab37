//go:build linux

package dashboard

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"launcher/cmd/launcher/internal/dashboard/browsertest"
	"launcher/preforker/control"
)

// shown is a dashboard of an example, with its last hour.
func shown(t *testing.T, slots int, change func(*control.Status)) (*Dashboard, *httptest.Server) {
	t.Helper()
	s := example(slots, time.Now().Truncate(time.Second))
	if change != nil {
		change(&s)
	}
	h := hourOf(s)
	last := h.minute[len(h.minute)-1]
	s.Requests.Served, s.Requests.Errors, s.Requests.Duration.Counts = last.served, last.errors, last.durations
	s.Time = s.Time.Add(time.Second)
	d := New(Launcher{Status: func(context.Context) (control.Status, error) { return s, nil }})
	d.lasting, d.sampling, d.history = true, true, *h
	server := httptest.NewServer(handlerOf(d, Access{Token: "0123456789abcdef", Open: true}))
	t.Cleanup(func() { d.Close(); server.Close() })
	return d, server
}

// TestScreens are looked at where LAUNCHER_SCREENSHOTS names a folder. At no width is anything beyond the edge.
func TestScreens(t *testing.T) {
	browser := browsertest.Start(t)
	for name, slots := range map[string]int{"few": 2, "many": 40, "document": 4} {
		_, server := shown(t, slots, func(s *control.Status) {
			if name == "document" {
				s.Slots[slots-1].Died.Request = "GET /reports/yearly"
			}
		})
		page := browser.Open(server.URL, browsertest.View{Width: 1280})
		for kind, view := range map[string]browsertest.View{"light": {Width: 1280}, "dark": {Width: 1280, Dark: true}, "narrow": {Width: 360}, "narrow-dark": {Width: 360, Dark: true}, "wide": {Width: 1920}, "medium": {Width: 800}, "desk": {Width: 1100}} {
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

// TestPageInABrowser follows the launcher without moving the focus or closing what is open; it is whole without a script, its tables have
// captions, and it differs in the dark.
func TestPageInABrowser(t *testing.T) {
	var served atomic.Uint64
	killed := make(chan string, 1)
	s := example(3, time.Now())
	d := New(Launcher{Status: func(context.Context) (control.Status, error) {
		now := s
		now.Slots = slices.Clone(s.Slots)
		now.Slots[0].Served = served.Add(1)
		return now, nil
	}, Kill: func(_ context.Context, slot, pid int) error { killed <- fmt.Sprint(slot, " ", pid); return nil }})
	d.fresh, d.period = 0, 20*time.Millisecond
	server := httptest.NewServer(handlerOf(d, Access{Token: secret, Open: true}))
	t.Cleanup(func() { d.Close(); server.Close() })
	browser := browsertest.Start(t)
	page := browser.Open(strings.Replace(server.URL, "://", "://anybody:"+secret+"@", 1)+"/admin/", browsertest.View{Width: 1280})
	page.Wait("document.querySelector('#k6001')") // the token was asked for before
	page.Text("document.querySelector('#k6001').open = true; document.querySelector('#k6001 button').focus()")
	first := served.Load()
	page.Wait(fmt.Sprintf("+document.querySelector('#s0-6000').cells[5].textContent > %d", first+3))
	if at := page.Text("document.activeElement.textContent + document.querySelector('#k6001').open"); at != "Kill 6001 of slot 1true" {
		t.Errorf("the focus has moved to %q", at)
	}
	page.Text("document.activeElement.click()")
	if got := <-killed; got != "1 6001" {
		t.Errorf("killed was %s", got)
	}
	page.Wait("document.readyState === 'complete' && document.querySelector('[role=status]').textContent.includes('was killed')") // with all that follows
	tables := page.Text("[...document.querySelectorAll('table')].filter(t => t.caption && ![...t.querySelectorAll('th')].some(h => !h.scope)).length + ' of ' + document.querySelectorAll('table').length")
	if tables != "6 of 6" {
		t.Errorf("%s tables have captions and scopes", tables)
	}
	for _, said := range page.Complaints() {
		if !strings.Contains(said, "401 (Unauthorized)") && !strings.Contains(said, "ERR_INCOMPLETE_CHUNKED_ENCODING") {
			t.Error(said)
		}
	}
	for _, url := range page.Requested() {
		if !strings.HasPrefix(url, server.URL) && !strings.HasPrefix(url, "data:") && url != "about:blank" && !strings.Contains(url, "@") {
			t.Errorf("it has asked for %s", url)
		}
	}
	light := page.Text("getComputedStyle(document.body).backgroundColor")
	page.View(browsertest.View{Width: 1280, Dark: true})
	if dark := page.Text("getComputedStyle(document.body).backgroundColor"); dark == light {
		t.Errorf("it is as %s in the dark", dark)
	}
	page.View(browsertest.View{Width: 360, NoScript: true})
	page.Go(server.URL + "/")
	if text := page.Text("document.querySelector('.slots').innerText"); !strings.Contains(text, "GET /products/4711") || !strings.Contains(text, "6001") {
		t.Errorf("without a script the table is %q", text)
	}
	if live := page.Text("document.getElementById('live').textContent"); live != "as of" {
		t.Errorf("a script has run: %q", live)
	}
}
