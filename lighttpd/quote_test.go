package lighttpd

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// nastyPaths are absolute, legal as file names, and each holds something that
// means something in one configuration language or another.
func nastyPaths() []string {
	return []string{
		"/plain/path",
		"/with space/and  two/ lead",
		`/quo"te`,
		`/"both"/"`,
		`/back\slash`,
		`/back\\two`,
		`/back\"quote`,
		`/back\\"two quote`,
		`/n is not\na newline\t\x41`,
		"/dollar$HOME/${x}/$1/$$",
		"/percent%20/%%/%1/%{x}",
		"/hash#not a comment",
		"/semi;comma,paren)(brace}{bracket][",
		"/equals=a=>b/plus+= c",
		"/apostrophe's/`tick`",
		"/unicode/é/日本/🚀/\u00a0/\u2028",
		"/not utf-8/\xff\xfe",
		"/tab\tand\x01control\x7f",
		"/include \"/etc/passwd\"",
		`/" ) server.port = 1 #`,
	}
}

func TestQuote(t *testing.T) {
	for value, want := range map[string]string{
		"":            `""`,
		"/a b":        `"/a b"`,
		`/a"b`:        `"/a\"b"`,
		`/a\b`:        `"/a\b"`,
		`/a\"b`:       `"/a\\"b"`,
		"/$x %20 #":   `"/$x %20 #"`,
		"/é":          `"/é"`,
		`"`:           `"\""`,
		`""`:          `"\"\""`,
		"\\\\\"tail ": "\"\\\\\\\"tail \"",
	} {
		if got := quote(value); got != want {
			t.Errorf("quote(%q) = %s, want %s", value, got, want)
		}
	}
	for path, want := range map[string]string{
		"/":     `"/"`,
		"/a":    `"/a/"`,
		"/a///": `"/a/"`,
		`/a\`:   `"/a\/"`,
	} {
		if got := quoteFolder(path); got != want {
			t.Errorf("quoteFolder(%q) = %s, want %s", path, got, want)
		}
	}
}

// readStrings is a reader of its own for the strings in configuration text,
// written after lighttpd's tokenizer: a quote ends a string unless a backslash
// stands before it, and # begins a comment outside of strings.
func readStrings(t *testing.T, text string) []string {
	t.Helper()
	var all []string
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '#':
			end := strings.IndexAny(text[i:], "\r\n")
			if end < 0 {
				return all
			}
			i += end
		case '"':
			var value strings.Builder
			for i++; ; i++ {
				if i >= len(text) {
					t.Fatalf("string without an end in:\n%s", text)
				}
				if text[i] == '"' {
					break
				}
				if text[i] == '\\' && i+1 < len(text) && text[i+1] == '"' {
					i++
				}
				value.WriteByte(text[i])
			}
			all = append(all, value.String())
		}
	}
	return all
}

// FuzzPaths proves that a path is either refused or read back as it was, and
// that no path changes anything else in the configuration.
func FuzzPaths(f *testing.F) {
	for _, path := range nastyPaths() {
		f.Add(path, path+"/socket", "/shop")
	}
	f.Add("/a\\", "/b\\", "")
	f.Add("/a\nb", "/c", "/x$1")
	version := Version{1, 4, 69}
	f.Fuzz(func(t *testing.T, root, socket, prefix string) {
		const mark = "/mark"
		site := Site{Root: root, Public: root, Sockets: []string{mark + "/0", socket}, Prefix: prefix}
		plain := Site{Root: mark, Public: mark, Sockets: []string{mark + "/0", mark + "/1"}, Prefix: prefix}
		server := Server{Port: 8080, UploadDir: root, ErrorLog: socket, PIDFile: socket}
		got, err := Full(site, version, server)
		if err != nil {
			if hintOf(err) == "" {
				t.Fatalf("no hint with %q", err)
			}
			return
		}
		want, err := Full(plain, version, Server{Port: 8080, UploadDir: mark, ErrorLog: mark + "/1", PIDFile: mark + "/1"})
		if err != nil {
			t.Fatal(err)
		}
		folder := strings.TrimRight(root, "/") + "/"
		expected := readStrings(t, want)
		for i, s := range expected {
			switch s {
			case mark + "/":
				expected[i] = folder
			case mark + "/1":
				expected[i] = socket
			}
		}
		if read := readStrings(t, got); !reflect.DeepEqual(read, expected) {
			t.Errorf("strings of the configuration:\n got %q\nwant %q", read, expected)
		}
		if g, w := strings.Count(got, "\n"), strings.Count(want, "\n"); g != w {
			t.Errorf("%d lines, want %d", g, w)
		}
	})
}

// TestQuoteInLighttpd has lighttpd itself read nasty paths and print what it
// understood (-p), joined with a mark that shows where each string ended.
func TestQuoteInLighttpd(t *testing.T) {
	binary := requireLighttpd(t)
	paths := append(nastyPaths(), `/folder ends with\`)
	var text strings.Builder
	text.WriteString("server.document-root = \"/\"\n")
	var want []string
	for _, path := range paths {
		text.WriteString("var.list += ( " + quoteFolder(path) + " + \"|\" )\n")
		want = append(want, path+"/|")
	}
	file := filepath.Join(t.TempDir(), "lighttpd.conf")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(binary, "-p", "-f", file).CombinedOutput()
	if err != nil {
		t.Fatalf("lighttpd -p: %v\n%s", err, out)
	}
	printed := string(out)
	start := strings.Index(printed, "var.list")
	if start < 0 {
		t.Fatalf("no var.list in:\n%s", printed)
	}
	got := readStrings(t, printed[start:])
	if len(got) < len(want) || !reflect.DeepEqual(got[:len(want)], want) {
		t.Errorf("lighttpd read\n     %q\nwant %q", got, want)
	}
}

// TestNastyPathsInLighttpd has lighttpd load whole configurations.
func TestNastyPathsInLighttpd(t *testing.T) {
	requireLighttpd(t)
	for _, path := range append(nastyPaths(), `/ends with\`) {
		for _, prefix := range []string{"", "/shop/v1.2"} {
			site := Site{Root: path, Public: path, Sockets: []string{path + "/s-0", path + "/s-1"}, Prefix: prefix}
			text, err := Full(site, DefaultVersion(), Server{Port: 8080, ErrorLog: path + "/error.log", PIDFile: path + "/pid"})
			if err != nil {
				t.Errorf("%q: %v", path, err)
				continue
			}
			if err := Check(t.Context(), "", text); err != nil {
				t.Errorf("%q: %v", path, err)
			}
		}
	}
}
