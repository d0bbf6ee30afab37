package lighttpd

import (
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
)

// distribution is what Debian's lighttpd.conf sets before it includes
// conf-enabled: all that a snippet could collide with.
const distribution = `
server.modules = ( "mod_indexfile", "mod_access", "mod_alias", "mod_redirect" )
server.document-root = %s
server.upload-dirs = ( %s )
server.bind = "127.0.0.1"
server.port = %d
index-file.names = ( "index.php", "index.html" )
url.access-deny = ( "~", ".inc" )
static-file.exclude-extensions = ( ".php", ".pl", ".fcgi" )
alias.url += ( "/javascript" => "/usr/share/javascript" )
`

// rest is what comes after conf-enabled was included.
const rest = `
server.modules += ( "mod_dirlisting", "mod_staticfile" )
`

const loaded = `server.modules += ( "mod_fastcgi", "mod_rewrite" )
fastcgi.server += ( ".php" => (( "socket" => "/nowhere" )) )
fastcgi.balance = "hash"
server.stream-response-body = 0
`

func TestSnippetPlacement(t *testing.T) {
	tests := []struct {
		name, before, after string
		elsewhere           bool // whether other hosts keep their own folder
	}{
		{name: "included at the top level", before: "include %s\n"},
		{name: "modules loaded before", before: loaded + "include %s\n"},
		{name: "modules loaded after", before: "include %s\n", after: `server.modules += ( "mod_rewrite", "mod_fastcgi" )`},
		{name: "in a host block", before: `$HTTP["host"] == "www.example.com" { include %s }` + "\n", elsewhere: true},
		{name: "in a host block, modules loaded before", before: loaded + `$HTTP["host"] == "www.example.com" { include %s }` + "\n", elsewhere: true},
	}
	for _, tt := range tests {
		for _, prefix := range []string{"", "/shop"} {
			t.Run(tt.name+prefix, func(t *testing.T) {
				site := newSite(t, shortDir(t), 2)
				site.Prefix = prefix
				writeFile(t, filepath.Join(site.Public, "file.txt"), "static")
				writeFile(t, filepath.Join(site.Root, "www/index.html"), "the server's own page")
				respond(t, site.Sockets[0], http.HandlerFunc(echo))
				snippet, err := Snippet(site, installed(t))
				if err != nil {
					t.Fatal(err)
				}
				file := filepath.Join(site.Root, "log/lighttpd.conf")
				writeFile(t, file, snippet)
				d := serve(t, func(port int) string {
					return fmt.Sprintf(distribution, quote(site.Root+"/www"), quote(site.Root+"/tmp"), port) +
						fmt.Sprintf(tt.before, quote(file)) + tt.after + rest
				})
				host := []string{"Host", "www.example.com"}
				if got := d.do(t, "GET", prefix+"/file.txt", nil, host...); got.body != "static" {
					t.Errorf("static file: %d %q", got.status, got.body)
				}
				if got := d.do(t, "GET", prefix+"/orders.php?a=b", nil, host...); got.body != "GET "+prefix+"/orders.php?a=b 0" {
					t.Errorf("application: %d %q", got.status, got.body)
				}
				if got := d.do(t, "GET", prefix+"/", nil, host...); got.body != "GET "+prefix+"/ 0" {
					t.Errorf("application's root: %d %q", got.status, got.body)
				}
				if got := d.get(t, "/"); (tt.elsewhere || prefix != "") != (got.body == "the server's own page") {
					t.Errorf("another host's root: %d %q", got.status, got.body)
				}
			})
		}
	}
}

// TestSnippetPasted puts the text itself into a host block, and a second
// application below a prefix of the same host.
func TestSnippetPasted(t *testing.T) {
	shop, blog := newSite(t, shortDir(t), 1), newSite(t, shortDir(t), 1)
	blog.Prefix = "/blog"
	text := ""
	for _, site := range []Site{shop, blog} {
		snippet, err := Snippet(site, installed(t))
		if err != nil {
			t.Fatal(err)
		}
		text += snippet
		respond(t, site.Sockets[0], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, site.Prefix, " answers ", r.URL.RequestURI())
		}))
	}
	d := serve(t, func(port int) string {
		return fmt.Sprintf(distribution, quote("/var/empty"), quote(shop.Root+"/tmp"), port) +
			"$HTTP[\"host\"] == \"www.example.com\" {\n" + text + "}\n" + rest
	})
	for target, want := range map[string]string{
		"/orders":   " answers /orders",
		"/blog/1?a": "/blog answers /blog/1?a",
		"/blogs":    " answers /blogs",
	} {
		if got := d.do(t, "GET", target, nil, "Host", "www.example.com"); got.body != want {
			t.Errorf("%s: %d %q, want %q", target, got.status, got.body, want)
		}
	}
}
