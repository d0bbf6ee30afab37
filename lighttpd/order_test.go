package lighttpd

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// orders are all orders of some things.
func orders[T any](things []T) (all [][]T) {
	if len(things) <= 1 {
		return [][]T{things}
	}
	for i, first := range things {
		rest := append(append([]T{}, things[:i]...), things[i+1:]...)
		for _, order := range orders(rest) {
			all = append(all, append([]T{first}, order...))
		}
	}
	return all
}

// TestSitesInAnyOrder has applications at the root and below prefixes, one of
// them within another, some without static files. Each serves its own paths
// wherever its file is included.
func TestSitesInAnyOrder(t *testing.T) {
	var sites []Site
	for i, prefix := range []string{"", "/a", "/a/b", "/a_2fb"} {
		site := newSite(t, shortDir(t), 1)
		site.Prefix = prefix
		writeFile(t, filepath.Join(site.Public, "file.txt"), "static "+prefix)
		writeFile(t, filepath.Join(site.Public, ".secret"), "secret")
		respond(t, site.Sockets[0], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, prefix, " answers ", r.Method, " ", r.URL.RequestURI())
		}))
		if i == 3 {
			site.Public = ""
		}
		sites = append(sites, site)
	}
	for i, order := range orders(sites) {
		var include strings.Builder
		for _, site := range order {
			snippet, err := Snippet(site, installed(t))
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(site.Root, "log/lighttpd.conf")
			writeFile(t, file, snippet)
			fmt.Fprintf(&include, "include %s\n", quote(file))
		}
		text := include.String()
		if i%2 == 1 {
			text = `$HTTP["host"] == "www.example.com" {` + "\n" + text + "}\n"
		}
		d := serve(t, func(port int) string {
			return fmt.Sprintf(distribution, quote("/var/empty"), quote(sites[0].Root+"/tmp"), port) + text + rest
		})
		for _, tt := range []struct{ method, path, want string }{
			{"GET", "/file.txt", "static "},
			{"GET", "/x", " answers GET /x"},
			{"GET", "/ab/x", " answers GET /ab/x"},
			{"GET", "/a", "/a answers GET /a"},
			{"GET", "/a/", "/a answers GET /a/"},
			{"GET", "/a/x?b", "/a answers GET /a/x?b"},
			{"GET", "/a/file.txt", "static /a"},
			{"GET", "/a/.secret", "/a answers GET /a/.secret"},
			{"POST", "/a/file.txt", "/a answers POST /a/file.txt"},
			{"GET", "/a/bc", "/a answers GET /a/bc"},
			{"GET", "/a/b", "/a/b answers GET /a/b"},
			{"GET", "/a/b/file.txt", "static /a/b"},
			{"GET", "/a/b/.secret", "/a/b answers GET /a/b/.secret"},
			{"POST", "/a/b/file.txt", "/a/b answers POST /a/b/file.txt"},
			{"GET", "/a/b/x", "/a/b answers GET /a/b/x"},
			{"GET", "/a_2fb/file.txt", "/a_2fb answers GET /a_2fb/file.txt"},
			{"GET", "/A/x", " answers GET /A/x"},
		} {
			if got := d.do(t, tt.method, tt.path, nil, "Host", "www.example.com"); got.body != tt.want {
				t.Errorf("order %d: %s %s: %d %q, want %q", i, tt.method, tt.path, got.status, got.body, tt.want)
			}
		}
		if t.Failed() {
			t.Fatal(text)
		}
	}
}

// TestSitesOfOtherHosts: an application below a prefix of one host takes
// nothing from another host.
func TestSitesOfOtherHosts(t *testing.T) {
	text := ""
	for _, where := range []struct{ host, prefix string }{{"one.example", "/a"}, {"two.example", ""}, {"one.example", ""}} {
		site := newSite(t, shortDir(t), 1)
		site.Prefix = where.prefix
		snippet, err := Snippet(site, installed(t))
		if err != nil {
			t.Fatal(err)
		}
		text += fmt.Sprintf("$HTTP[\"host\"] == %q {\n%s}\n", where.host, snippet)
		respond(t, site.Sockets[0], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, where.host, where.prefix, " answers ", r.URL.RequestURI())
		}))
	}
	d := serve(t, func(port int) string {
		return fmt.Sprintf(distribution, quote("/var/empty"), quote("/tmp"), port) + text + rest
	})
	for target, want := range map[string]string{
		"one.example /a/x": "one.example/a answers /a/x",
		"two.example /a/x": "two.example answers /a/x",
		"one.example /x":   "one.example answers /x",
	} {
		host, path, _ := strings.Cut(target, " ")
		if got := d.do(t, "GET", path, nil, "Host", host); got.body != want {
			t.Errorf("%s: %d %q, want %q", target, got.status, got.body, want)
		}
	}
}

// TestUserRewrites: what the user's rules make of a path is what is served, for
// every method, and the application is told (REDIRECT_URI).
func TestUserRewrites(t *testing.T) {
	for _, prefix := range []string{"", "/shop"} {
		for _, method := range []string{"GET", "POST"} {
			site := newSite(t, shortDir(t), 1)
			site.Prefix = prefix
			writeFile(t, filepath.Join(site.Public, "new/file.txt"), "static")
			snippet, err := Snippet(site, installed(t))
			if err != nil {
				t.Fatal(err)
			}
			asked := params(t, site.Sockets[0])
			d := serve(t, func(port int) string {
				return fmt.Sprintf(distribution, quote("/var/empty"), quote(site.Root+"/tmp"), port) +
					`url.rewrite-repeat = ( "^` + prefix + `/old/(.*)$" => "` + prefix + `/new/$1" )` + "\n" + snippet + rest
			})
			if got := d.get(t, prefix+"/old/file.txt"); got.body != "static" {
				t.Errorf("%s: static file: %d %q", prefix, got.status, got.body)
			}
			d.do(t, method, prefix+"/old/a%20b?x=%26", nil)
			got := receive(t, asked)
			for name, want := range map[string]string{
				"REQUEST_URI":  prefix + "/old/a%20b?x=%26",
				"REDIRECT_URI": prefix + "/dispatch.fcgi/new/a%20b?x=%26",
				"SCRIPT_NAME":  prefix + "/dispatch.fcgi",
				"PATH_INFO":    "/new/a b",
				"QUERY_STRING": "x=%26",
			} {
				if got[name] != want {
					t.Errorf("%s: %s is %q, want %q", method, name, got[name], want)
				}
			}
		}
	}
}
