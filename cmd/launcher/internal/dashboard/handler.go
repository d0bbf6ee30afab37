package dashboard

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"html/template"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"

	"launcher/preforker/control"
	"launcher/preforker/hint"
)

var (
	//go:embed page.tmpl
	pageText string
	//go:embed page.css
	styleText string
	//go:embed page.js
	scriptText string
)

// pageTemplate is parsed when the first page is asked for.
var pageTemplate = sync.OnceValue(func() *template.Template { return template.Must(template.New("").Parse(pageText)) })

// policy lets a browser run and show what this program has written, and nothing else.
var policy = sync.OnceValue(func() string {
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; style-src " + hash(styleText) + "; script-src " + hash(scriptText) +
		"; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
})

// Access is who may do what at an address.
type Access struct {
	Token string   // that buttons need; "": there are none
	Open  bool     // who can connect may read the page; else the token is needed for that, too
	Names []string // of the host, besides its addresses and names without a dot
}

// pages are the handlers of one address.
type pages struct {
	*Dashboard
	access access
	admin  bool // with buttons: the token is needed
}

// route is a handler with its place.
type route struct {
	method, path string
	handler      http.HandlerFunc
	admits       func(http.ResponseWriter, *http.Request) bool // of a stream
}

// routes are the page, which only shows things, and below /admin/ the same with buttons. The page names what belongs to it without a slash
// before that, so that a proxy may have it below another path.
func (p *pages) routes() []route {
	admin := *p
	admin.admin = true
	routes := []route{
		{http.MethodGet, "/", p.page, nil},
		{http.MethodGet, streamPath, p.stream, p.admits},
		{http.MethodGet, adminPath, func(w http.ResponseWriter, _ *http.Request) { goTo(w, "."+adminPath+"/") }, nil},
		{http.MethodGet, adminPath + "/", admin.page, nil},
		{http.MethodGet, adminPath + streamPath, admin.stream, admin.admits},
		{http.MethodPost, adminPath + restartPath, admin.restart, nil},
	}
	if p.launcher.Kill != nil {
		routes = append(routes, route{http.MethodPost, adminPath + killPath, admin.kill, nil})
	}
	return routes
}

const (
	streamPath  = "/dashboard/stream"
	restartPath = "/dashboard/restart"
	killPath    = "/dashboard/kill"
	adminPath   = "/admin"
)

// Verbs are the page and what belongs to it. Each looks at the name that it is asked by itself: whoever has the token may use any.
func (d *Dashboard) Verbs(a Access) (verbs []control.Verb) {
	for _, r := range d.pages(a).routes() {
		verb := control.Page(r.method, r.path, r.handler)
		if r.admits != nil {
			verb = control.Stream(r.method, r.path, r.admits, r.handler)
		}
		verbs = append(verbs, verb.ByAnyName())
	}
	return verbs
}

func (d *Dashboard) pages(a Access) *pages {
	return &pages{Dashboard: d, access: newAccess(a.Token, a.Open, a.Names)}
}

func (p *pages) page(w http.ResponseWriter, r *http.Request) {
	if !p.admits(w, r) {
		return
	}
	v, err := p.view(r.Context())
	if err != nil {
		p.fail(w, http.StatusServiceUnavailable, err, ".")
		return
	}
	p.personal(&v, r)
	p.write(w, http.StatusOK, "page", v)
}

// personal adds what who looks may do.
func (p *pages) personal(v *view, r *http.Request) {
	v.Actions, v.Kills, v.SignIn = p.admin, p.admin && p.launcher.Kill != nil, p.access.token != ""
	if v.Actions {
		v.Key = p.access.form
	}
	switch r.URL.Query().Get("done") {
	case "restart":
		v.Notice = "The application is being loaded anew; the slots follow once it has."
	case "kill":
		v.Notice = "The worker was killed; another one takes its place."
	}
}

func (p *pages) restart(w http.ResponseWriter, r *http.Request) {
	p.act(w, r, "restart", func(ctx context.Context) error { return p.launcher.Restart(ctx) })
}

func (p *pages) kill(w http.ResponseWriter, r *http.Request) {
	p.act(w, r, "kill", func(ctx context.Context) error {
		slot, err := strconv.Atoi(r.PostFormValue("slot"))
		pid, err2 := strconv.Atoi(r.PostFormValue("pid"))
		if err := errors.Join(err, err2); err != nil || pid <= 0 || slot < 0 {
			return errors.New("kill: no slot and no pid are named")
		}
		return p.launcher.Kill(ctx, slot, pid)
	})
}

// act does something, and leads back to the page.
func (p *pages) act(w http.ResponseWriter, r *http.Request, what string, do func(context.Context) error) {
	status, err := p.access.checkAction(r)
	if err == nil {
		if err = do(r.Context()); err != nil {
			status = http.StatusConflict
		}
	}
	if err != nil {
		p.fail(w, status, err, "..")
		return
	}
	goTo(w, "../?done="+what)
}

// goTo leads on by a path below or above this one: a proxy may have it elsewhere than this process.
func goTo(w http.ResponseWriter, relative string) {
	w.Header().Set("Location", relative)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusSeeOther)
}

// failure is the page of what cannot be shown or done.
type failure struct{ Title, Text, Try, Back string }

func (p *pages) fail(w http.ResponseWriter, status int, err error, back string) {
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", realm)
	}
	p.write(w, status, "failed", failure{http.StatusText(status), visible(err.Error()), visible(hint.Of(err)), back + "/"})
}

// icon is a square: browsers ask for one that is not there.
const icon = `<link rel=icon href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E%3Cpath fill='%231d5fc4' d='M0 4h2v4H0zm3-2h2v6H3zm3-2h2v8H6z'/%3E%3C/svg%3E">`

// write writes a whole page: a reader that is slow costs memory alone, and not for long.
func (p *pages) write(w http.ResponseWriter, status int, name string, data any) {
	var out bytes.Buffer
	out.WriteString(`<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport content="width=device-width,initial-scale=1">` + icon + "<style>" + styleText + "</style>")
	if err := pageTemplate().ExecuteTemplate(&out, name, data); err != nil {
		http.Error(w, "make page: "+err.Error(), http.StatusInternalServerError)
		return
	}
	if name == "page" {
		out.WriteString("<script>" + scriptText + "</script>")
	}
	out.WriteString("</body></html>\n")
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	for _, one := range [][2]string{{"Content-Security-Policy", policy()}, {"X-Content-Type-Options", "nosniff"}, {"X-Frame-Options", "DENY"},
		{"Referrer-Policy", "same-origin"}, {"Cross-Origin-Opener-Policy", "same-origin"}, {"Cross-Origin-Resource-Policy", "same-origin"}, {"Cache-Control", "no-store"}} {
		header.Set(one[0], one[1])
	}
	header.Set("Content-Length", strconv.Itoa(out.Len()))
	w.WriteHeader(status)
	_, _ = io.Copy(w, &out)
}

// hostOf is the name by which a request has come.
func hostOf(r *http.Request) string {
	if host, _, err := net.SplitHostPort(r.Host); err == nil {
		return host
	}
	return r.Host
}
