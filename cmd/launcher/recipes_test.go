//go:build linux

package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// recipe is a way to configure lighttpd for an application.
type recipe struct {
	name   string
	static bool // files of public/ come from lighttpd
	text   func(root string, port int) string
}

// recipes are those found in documentation and in the field, each written by hand.
func recipes() []recipe {
	return []recipe{
		{"everything", false, func(root string, port int) string {
			return configuration(root, port, `"mod_fastcgi"`, fastcgi(root, "/", ""))
		}},
		{"everything, fix-root-scriptname", false, func(root string, port int) string {
			return configuration(root, port, `"mod_fastcgi"`, fastcgi(root, "/", `, "fix-root-scriptname" => "enable"`))
		}},
		{"rewrite-if-not-file", true, func(root string, port int) string {
			return configuration(root, port, `"mod_rewrite", "mod_fastcgi"`,
				`url.rewrite-if-not-file = ( "" => "/dispatch.fcgi${url.path}${qsa}" )`, fastcgi(root, "/dispatch.fcgi", ""))
		}},
		errorHandler(),
	}
}

// errorHandler is what Rails documented in its first years.
func errorHandler() recipe {
	return recipe{"error-handler-404", true, func(root string, port int) string {
		return configuration(root, port, `"mod_fastcgi"`, `server.error-handler-404 = "/dispatch.fcgi"`, fastcgi(root, "/dispatch.fcgi", ""))
	}}
}

// configuration is a whole file for lighttpd with what all recipes have in common.
func configuration(root string, port int, modules string, lines ...string) string {
	return strings.Join(append([]string{
		"server.modules = ( " + modules + " )",
		`server.bind = "127.0.0.1"`,
		"server.port = " + strconv.Itoa(port),
		fmt.Sprintf("server.document-root = %q", filepath.Join(root, "public")),
		fmt.Sprintf("server.upload-dirs = ( %q )", filepath.Join(root, "log")),
		"server.stream-response-body = 1",
		`mimetype.assign = ( ".txt" => "text/plain", ".png" => "image/png" )`,
	}, lines...), "\n") + "\n"
}

// fastcgi leads a path to the sockets of two workers.
func fastcgi(root, key, options string) string {
	line := fmt.Sprintf("fastcgi.server = ( %q => (", key)
	for slot := range recipeWorkers {
		line += fmt.Sprintf(` "w%d" => ( "socket" => %q, "check-local" => "disable"%s ),`,
			slot, filepath.Join(root, "log", fmt.Sprintf("fastcgi.socket-%d", slot)), options)
	}
	return line + " ) )"
}

const recipeWorkers = 2

// startBrowsed starts an application that has a folder of gates.
func startBrowsed(t *testing.T, root string, args ...string) browser {
	t.Helper()
	gates := t.TempDir()
	in := start(t, startOptions{root: root, env: []string{"BLOG_GATES=" + gates, "HELLO_GATES=" + gates},
		args: append([]string{strconv.Itoa(recipeWorkers)}, args...)}).serving()
	return browser{in: in, gates: gates}
}

// behind is the browser's way through lighttpd.
func (b browser) behind(t *testing.T, r recipe) browser {
	t.Helper()
	port := freePort(t)
	b.url, b.static = runLighttpd(t, b.in.root, port, r.text(b.in.root, port)), r.static
	return b
}

// behindGenerated is the way through lighttpd with the configuration of the launcher's own.
func (b browser) behindGenerated(t *testing.T, args ...string) browser {
	t.Helper()
	return b.behind(t, recipe{"generated", true, func(root string, port int) string {
		return output(t, root, append([]string{"config", "--full", "--port", strconv.Itoa(port), strconv.Itoa(recipeWorkers)}, args...)...)
	}})
}

func TestRecipesServeBlog(t *testing.T) {
	t.Parallel()
	b := startBrowsed(t, copyApp(t, "blog"))
	for _, r := range recipes() {
		t.Run(r.name, func(t *testing.T) { browseBlog(t, b.behind(t, r)) })
	}
	t.Run("generated", func(t *testing.T) { browseBlog(t, b.behindGenerated(t)) })
}

func TestRecipesServeHello(t *testing.T) {
	t.Parallel()
	b := startBrowsed(t, copyApp(t, "hello"))
	for _, r := range recipes() {
		t.Run(r.name, func(t *testing.T) { browseHello(t, b.behind(t, r)) })
	}
	t.Run("generated", func(t *testing.T) { browseHello(t, b.behindGenerated(t)) })
}

// TestClientGoesAway: lighttpd drops the connections to the workers then, which they survive.
func TestClientGoesAway(t *testing.T) {
	t.Parallel()
	for _, app := range []string{"blog", "hello"} {
		t.Run(app, func(t *testing.T) {
			b := startBrowsed(t, copyApp(t, app)).behindGenerated(t)
			before := b.workers()
			first := b.openStream(t, "/stream?chunks=1000&gate=gone")
			second := b.openStream(t, "/stream?chunks=1000&gate=gone")
			_, _ = first.Close(), second.Close()
			for n := 1; n < 1000; n++ {
				b.open(t, "gone", n)
			}
			b.in.waitFor("both workers to have nothing to do", func() bool {
				return len(b.in.titled("launcher worker slot=0 gen=1 idle"))+len(b.in.titled("launcher worker slot=1 gen=1 idle")) == recipeWorkers
			})
			b.stillServedBy(t, before)
			if log := b.in.log(); strings.Contains(log, "PeerLost") {
				t.Error("an everyday event was reported as an error")
			}
		})
	}
}

// TestErrorHandlerRecipe: the old recipe serves an application whole, POST too, but lighttpd
// asks nobody else about a path that exists on its disk, whatever the method.
func TestErrorHandlerRecipe(t *testing.T) {
	t.Parallel()
	b := startBrowsed(t, copyApp(t, "blog"))
	if err := os.Mkdir(filepath.Join(b.in.root, "public", "posts"), 0o755); err != nil {
		t.Fatal(err)
	}
	old, generated := b.behind(t, errorHandler()), b.behindGenerated(t)
	for _, request := range []struct {
		method, path           string
		oldStatus, ownStatus   int
		oldByRails, ownByRails bool
	}{
		{"GET", "/robots.txt", 200, 200, false, false},
		{"POST", "/robots.txt", 200, 404, false, true}, // the file, as if it had been a GET
		{"DELETE", "/robots.txt", 501, 404, false, true},
		{"GET", "/robots.txt/more", 200, 404, false, true}, // the file
		{"GET", "/posts", 301, 200, false, true},           // to the folder
		{"POST", "/posts", 301, 422, false, true},
		{"GET", "/posts/", 200, 200, true, true},
		{"POST", "/echo?a=b", 200, 200, true, true},
		{"GET", "/dispatch.fcgi", 404, 404, true, true},
	} {
		for _, server := range []struct {
			name   string
			site   browser
			status int
			rails  bool
		}{{"error handler", old, request.oldStatus, request.oldByRails}, {"generated", generated, request.ownStatus, request.ownByRails}} {
			body := ""
			if request.method == http.MethodPost {
				body = "a=b"
			}
			got := server.site.ask(t, request.method, request.path, strings.NewReader(body), "Content-Type", "application/x-www-form-urlencoded")
			if rails := got.Header.Get("X-Request-Id") != ""; got.StatusCode != server.status || rails != server.rails {
				t.Errorf("%s: %s %s: %d, by Rails: %v; want %d, %v", server.name, request.method, request.path,
					got.StatusCode, rails, server.status, server.rails)
			}
		}
	}
}

// TestPrefix mounts the blog below a path: the launcher is told of it, or finds it out from
// where the web server's script lies.
func TestPrefix(t *testing.T) {
	t.Parallel()
	t.Run("named", func(t *testing.T) {
		b := startBrowsed(t, copyApp(t, "blog"), "--url-prefix", "/shop").behindGenerated(t, "--url-prefix", "/shop/")
		b.browseShop(t)
		if got := b.get(t, "/shop/posts"); !strings.Contains(got.body, `href="/shop/style.css"`) || !strings.Contains(got.body, `src="/shop/logo.png"`) {
			t.Errorf("the addresses of static files have no prefix:\n%.2000s", got.body)
		}
	})
	t.Run("derived", func(t *testing.T) {
		b := startBrowsed(t, copyApp(t, "blog"))
		b.behind(t, recipe{"below /shop", true, func(root string, port int) string {
			return configuration(root, port, `"mod_alias", "mod_rewrite", "mod_fastcgi"`,
				fmt.Sprintf(`alias.url = ( "/shop/" => %q )`, filepath.Join(root, "public")+"/"),
				`url.rewrite-if-not-file = ( "^/shop(?=[/?]|$)(.*)$" => "/shop/dispatch.fcgi$1" )`,
				fastcgi(root, "/shop/dispatch.fcgi", ""))
		}}).browseShop(t)
	})
}

// TestPrefixTakenOffByApplication: one that maps its prefix itself, as the Rails guide writes it or in its
// routes, gets the whole path. Else the prefix would be taken off twice.
func TestPrefixTakenOffByApplication(t *testing.T) {
	t.Parallel()
	for _, kind := range []struct{ name, file, line, around string }{
		{"map", "config.ru", "run Rails.application", `map ENV["RAILS_RELATIVE_URL_ROOT"] do`},
		{"scope", "config/routes.rb", "Rails.application.routes.draw do", `scope ENV["RAILS_RELATIVE_URL_ROOT"] do`},
	} {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			root := copyApp(t, "blog")
			file := filepath.Join(root, kind.file)
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			lines := kind.around + "\n" + kind.line // the block around the line, or within the one that it opens
			if strings.HasSuffix(kind.line, " do") {
				lines = kind.line + "\n" + kind.around
			}
			mounted := strings.Replace(string(text), kind.line, lines, 1) + "end\n"
			if err := os.WriteFile(file, []byte(mounted), 0o600); err != nil {
				t.Fatal(err)
			}
			b := startBrowsed(t, root, "--url-prefix", "/shop").behindGenerated(t, "--url-prefix", "/shop")
			b.in.waitLine(`maps /shop by itself.*--mounted-by launcher`)
			if kind.name == "map" {
				b.browseShop(t)
			}
			for _, path := range []string{"/shop", "/shop/", "/shop/posts", "/shop//posts", "/%73hop/posts"} {
				if got := b.get(t, path).expect(t, 200); !strings.Contains(got.body, `href="/shop/posts/new"`) {
					t.Errorf("GET %s: not the index, or with other links:\n%.2000s", path, got.body)
				}
			}
		})
	}
}

// browseShop visits the blog below /shop, on a host that has something else beside it.
func (b browser) browseShop(t *testing.T) {
	host := b
	b.url, b.prefix = b.url+"/shop", "/shop"
	browseBlog(t, b)
	if got := b.get(t, "").expect(t, 200); !strings.Contains(got.body, `href="/shop/posts/new"`) {
		t.Errorf("GET /shop: not the index:\n%.2000s", got.body)
	}
	for _, path := range []string{"/shopping", "/posts"} {
		if got := host.get(t, path).expect(t, 404); got.Header.Get("X-Request-Id") != "" {
			t.Errorf("GET %s: the application was asked", path)
		}
	}
}

// TestNastyRoot: the name of the root has a space and both quotes.
func TestNastyRoot(t *testing.T) {
	t.Parallel()
	root := copyApp(t, "blog")
	nasty := filepath.Join(filepath.Dir(root), `a b'"c`)
	if err := os.Rename(root, nasty); err != nil {
		t.Fatal(err)
	}
	b := startBrowsed(t, nasty)
	browseBlog(t, b.behindGenerated(t))

	snippet := filepath.Join(nasty, "log", snippetName)
	lighttpdAccepts(t, fmt.Sprintf("server.document-root = \"/var/empty\"\ninclude \"%s\"\n", strings.ReplaceAll(snippet, `"`, `\"`)))
}
