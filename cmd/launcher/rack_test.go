//go:build linux

package main

import (
	"path/filepath"
	"testing"
	"unicode"

	"launcher/preforker/control"
)

// TestRackForms: what other servers take is taken here, and what cannot be is told.
func TestRackForms(t *testing.T) {
	t.Parallel()
	const part = `run ->(env) {
  case env["PATH_INFO"]
  when "/part" then [206, { "content-range" => "bytes 5-9/100" }, Part.new(__FILE__)]
  when "/stream" then [200, { "rack.hijack" => ->(io) { io.write("one"); io.write("two"); io.close } }, []]
  when "/hijack" then env["rack.hijack"].call
  when %r{^/hang}n then sleep(0.01) until File.exist?("go"); [200, {}, ["went"]]
  else raise "größer"
  end
}
`
	root := writeApp(t, map[string]string{"config.ru": `Part = Struct.new(:to_path) { def each; yield File.binread(to_path, 5, 5); end }
map("/lint") { use Rack::Lint; run ->(_) { [200, { "content-type" => "text/plain" }, ["lint"]] } }
` + part})
	in := start(t, startOptions{root: root, args: []string{"1"}}).serving()
	for path, want := range map[string]answer{
		"/lint": {status: 200, body: "lint"}, "/part": {status: 206, body: "= Str"}, "/stream": {status: 200, body: "onetwo"},
		"/hijack": {status: 500, body: "500 Internal Server Error\n"}, "/caf\xc3\xa9\x1b": {status: 500, body: "500 Internal Server Error\n"},
	} {
		if got := ask(t, in.socket(0), path); got.err != nil || got.status != want.status || got.body != want.body {
			t.Errorf("%q: %v, want %v", path, got, want)
		}
	}
	in.waitLine(`^launcher: GET /hijack: NoMethodError: `)
	in.waitLine(`^launcher: hint: .*rack\.hijack.*no connection to give away`)
	in.waitLine(`^launcher: GET /café\\u001b: RuntimeError: größer$`)

	hanging := queue(t, in.socket(0), "/hang\xc2\x9b31m\xe2\x80\xae")
	in.statusWhen("the request to be in hand", func(s control.Status) bool {
		workers := s.Slots[0].Workers
		return len(workers) == 1 && workers[0].Request != nil && workers[0].Request.Path == "/hang\u009b31m\u202e"
	})
	for _, args := range [][]string{nil, {"--json"}} {
		for _, r := range askStatus(t, startOptions{root: root, args: args}, nil).stdout {
			if r != '\n' && !unicode.IsGraphic(r) {
				t.Errorf("status %q prints %q", args, r)
			}
		}
	}
	write(t, filepath.Join(root, "go"), "")
	if got := hanging.answer(); !got.is("went") {
		t.Errorf("%v", got)
	}
}
