package migration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// table writes rules as rows of Markdown.
func table(rules []Rule) string {
	var out strings.Builder
	for _, rule := range rules {
		var names []string
		for _, name := range rule.Names {
			names = append(names, "`"+name+"`")
		}
		fmt.Fprintf(&out, "| %s | %s |\n", strings.Join(names, ", "), strings.ReplaceAll(rule.Text, "|", `\|`))
	}
	return out.String()
}

// TestPageHasTheTables that the doctor goes by (-update writes them).
func TestPageHasTheTables(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "MIGRATING.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	for server, rules := range map[string][]Rule{"Puma": Puma(), "Unicorn": Unicorn(), "Passenger": Passenger()} {
		head := "| " + server + " | here |\n|---|---|\n"
		before, rest, found := strings.Cut(text, head)
		if !found {
			t.Fatalf("no table of %s", server)
		}
		rows := rest[:strings.Index(rest, "\n\n")+1]
		if strings.HasPrefix(rest, "\n") {
			rows = ""
		}
		if rows != table(rules) {
			if !*update {
				t.Errorf("the table of %s is not that of its rules: go test ./cmd/launcher/internal/migration -update", server)
			}
			text = before + head + table(rules) + strings.TrimPrefix(rest, rows)
		}
	}
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// installed returns the text of a file of a Debian package, the newest of those that match.
func installed(t *testing.T, pattern string) string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s is missing (make deps)", pattern)
	}
	text, err := os.ReadFile(paths[len(paths)-1])
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func names(rules []Rule) (all []string) {
	for _, rule := range rules {
		all = append(all, rule.Names...)
	}
	return all
}

// TestNoSettingIsMissing: whatever the servers' own sources know is in the tables.
func TestNoSettingIsMissing(t *testing.T) {
	t.Parallel()
	find, err := exec.Command("ruby", "-e", `puts Gem::Specification.find_by_name("puma").full_gem_path`).Output()
	if err != nil {
		t.Fatalf("Puma is missing: %v", err)
	}
	public := func(text string) string {
		text, _, _ = strings.Cut(text, "\n    private\n")
		return text
	}
	puma := public(installed(t, filepath.Join(strings.TrimSpace(string(find)), "lib/puma/dsl.rb")))
	unicorn := installed(t, "/usr/lib/ruby/vendor_ruby/unicorn/configurator.rb")
	passenger := installed(t, "/usr/lib/ruby/vendor_ruby/phusion_passenger/nginx/config_options.rb") +
		installed(t, "/usr/lib/ruby/vendor_ruby/phusion_passenger/standalone/config_options_list.rb") +
		snake(installed(t, "/usr/lib/ruby/vendor_ruby/phusion_passenger/apache2/config_options.rb"))
	for _, of := range []struct {
		server, text, pattern string
		rules                 []Rule
		least                 int
		own                   []string // methods of the server for itself
	}{
		{"Puma", puma, `(?m)^    (?:def|alias_method) :?([a-z_]+[!?]?)`, Puma(), 60, []string{"initialize", "_load_from", "_offer_plugins", "self"}},
		{"Unicorn", unicorn, `(?m)^  def ([a-z_]+)`, Unicorn(), 20, []string{"initialize", "reload", "commit", "expand_addr", "set_int", "canonicalize_tcp", "set_path", "check_bool", "set_bool", "set_hook", "parse_rackup_file"}},
		{"Passenger", passenger, `(?m)(?:name +=> |:name +=> )['":](?:passenger_)?([a-z_]+)`, Passenger(), 130, nil},
	} {
		known, found := names(of.rules), 0
		for _, match := range regexp.MustCompile(of.pattern).FindAllStringSubmatch(of.text, -1) {
			if slices.Contains(of.own, match[1]) {
				continue
			}
			found++
			if !slices.Contains(known, match[1]) {
				t.Errorf("%s has %s, of which no table says anything", of.server, match[1])
			}
		}
		if found < of.least {
			t.Errorf("%d settings of %s are found: the pattern is wrong", found, of.server)
		}
	}
	for _, rules := range [][]Rule{Puma(), Unicorn(), Passenger()} {
		all := names(rules)
		slices.Sort(all)
		for i := range all[1:] {
			if all[i] == all[i+1] {
				t.Errorf("%s is there twice", all[i])
			}
		}
	}
}

// snake has Apache's names as the others.
func snake(text string) string {
	return regexp.MustCompile(`["']Passenger([A-Za-z]+)["']`).ReplaceAllStringFunc(text, func(name string) string {
		var out strings.Builder
		for i, r := range strings.ReplaceAll(strings.TrimPrefix(strings.Trim(name, `"'`), "Passenger"), "URI", "Uri") {
			if r >= 'A' && r <= 'Z' && i > 0 {
				out.WriteByte('_')
			}
			out.WriteString(strings.ToLower(string(r)))
		}
		return "'" + out.String() + "'"
	})
}
