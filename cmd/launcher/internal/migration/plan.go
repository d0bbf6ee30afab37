package migration

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Plan is what stands for a file of another server.
type Plan struct {
	File        string    `json:"file"` // below the root
	Server      string    `json:"server"`
	Settings    []Setting `json:"settings"`
	Remarks     []Remark  `json:"remarks"`
	Unread      []Line    `json:"unread"` // code that sets nothing that can be known
	Error       string    `json:"error,omitempty"`
	root        string
	environment string
	threads     int // of a Puma's worker
}

// Setting is an option of this launcher by its name.
type Setting struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
	Line   int      `json:"line"`
	Why    string   `json:"why,omitempty"`
	If     string   `json:"if,omitempty"` // it holds only then
}

// Remark is what is to be said of a setting that no option stands for, or not alone.
type Remark struct {
	Line int    `json:"line"`
	Name string `json:"name"`
	Text string `json:"text"`
}

// servers are those whose files are read in an environment, in this order.
func servers(environment string) []server {
	return []server{{"Puma", []string{"config/puma/" + environment + ".rb", "config/puma.rb"}, Puma()}, {"Unicorn", []string{"config/unicorn.rb", "unicorn.rb"}, Unicorn()}}
}

type server struct {
	name  string
	files []string // of which the first that is there is read
	rules []Rule
}

// Plans reads the files that an application has. What cannot be read is told in its plan.
func Plans(ctx context.Context, ruby, root, environment string) (plans []*Plan) {
	for _, server := range servers(environment) {
		for _, file := range server.files {
			path := filepath.Join(root, file)
			found, err := takeApart(ctx, ruby, path, root, environment)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			plan := &Plan{File: file, Server: server.name, Unread: found.Unread, root: root, environment: environment, Settings: []Setting{}, Remarks: []Remark{}}
			if err != nil {
				plan.Error = err.Error()
			}
			plan.take(found.Calls, server.rules)
			plans = append(plans, plan)
			break
		}
	}
	return plans
}

// take finds what stands for each call.
func (p *Plan) take(calls []Call, rules []Rule) {
	for _, call := range calls { // which may stand behind what needs it
		if call.Name == "threads" && p.Server == "Puma" {
			p.threads = max(number(call, len(call.Arguments)-1), 0)
		}
	}
	for _, call := range calls {
		i := slices.IndexFunc(rules, func(rule Rule) bool { return slices.Contains(rule.Names, call.Name) })
		switch {
		case i < 0:
			p.remark(call, fmt.Sprintf("no setting that is known of %s", p.Server))
		case rules[i].do == nil:
			p.remark(call, rules[i].Text)
		default:
			rules[i].do(p, call, rules[i].Text)
		}
	}
	p.dropScheme()
	slices.SortStableFunc(p.Settings, func(a, b Setting) int { return cmp.Compare(rank(a), rank(b)) })
	if p.Unread == nil {
		p.Unread = []Line{}
	}
}

// rank is low for what comes first.
func rank(s Setting) int {
	if s.Name == "workers" {
		return 0
	}
	return 1
}

// set has an option. One that can be there once is as the last call says, as there.
func (p *Plan) set(call Call, name, value, why string) {
	if name == "root" && value == p.root || name == "environment" && value == p.environment {
		return // so it is without
	}
	if len(call.Variables) > 0 {
		why = strings.TrimPrefix(why+"; ", "; ") + "unless " + strings.Join(call.Variables, ", ") + " said otherwise"
	}
	setting := Setting{Name: name, Values: []string{value}, Line: call.Line, Why: why}
	if call.Condition != nil && !call.Condition.Otherwise && !call.cpus(0) {
		setting.If = call.Condition.Text
		p.Settings = append(p.Settings, setting)
		return
	}
	i := slices.IndexFunc(p.Settings, func(s Setting) bool { return s.Name == name && s.If == "" })
	switch {
	case i < 0:
		p.Settings = append(p.Settings, setting)
	case name == "http":
		p.Settings[i].Values = append(p.Settings[i].Values, value)
		if why != "" && !strings.Contains(p.Settings[i].Why, why) {
			p.Settings[i].Why = strings.TrimPrefix(p.Settings[i].Why+"; "+why, "; ")
		}
	default:
		p.Settings[i] = setting
	}
}

func (p *Plan) remark(call Call, text string) {
	p.Remarks = append(p.Remarks, Remark{call.Line, call.Name, strings.ReplaceAll(text, "`", "")})
}

// unreadable says that a value cannot be known.
func (p *Plan) unreadable(call Call, text string) {
	said := "its value could not be read: " + call.Text
	if len(call.Variables) > 0 {
		said = strings.Join(call.Variables, ", ") + " says it: " + call.Text
	}
	p.remark(call, said+" ("+text+")")
}

// plainWord needs no quotes, neither in a shell nor in YAML.
func plainWord(word string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9/._:-]*[A-Za-z0-9/]$`).MatchString(word)
}

// yamlWord says whether YAML reads a word as something else than a text.
func yamlWord(word string) bool {
	return slices.Contains([]string{"true", "false", "null", "~"}, strings.ToLower(word))
}

// Command returns the command line that stands for the file.
func (p *Plan) Command() string {
	words, workers := []string{"launcher"}, ""
	for _, setting := range p.Settings {
		switch {
		case setting.If != "":
			continue
		case setting.Name == "workers":
			workers = setting.Values[0]
			continue
		}
		for _, value := range setting.Values {
			if !plainWord(value) {
				value = "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
			}
			words = append(words, "--"+setting.Name, value)
		}
	}
	return strings.Join(append(words, cmp.Or(workers, "auto")), " ")
}

// YAML returns the launcher.yml that stands for the file.
func (p *Plan) YAML() string {
	var out strings.Builder
	fmt.Fprintf(&out, "# From %s.\n", p.File)
	if !slices.ContainsFunc(p.Settings, func(s Setting) bool { return s.Name == "workers" && s.If == "" }) {
		out.WriteString("workers: auto\n")
	}
	for _, setting := range p.Settings {
		if setting.Why != "" {
			fmt.Fprintf(&out, "# %s\n", oneLine(setting.Why))
		}
		mark := ""
		if setting.If != "" {
			mark = "#"
			fmt.Fprintf(&out, "# only so: %s\n", oneLine(setting.If))
		}
		if setting.Name == "root" {
			mark = "#"
			out.WriteString("# where this file is, unless --config names it\n")
		}
		var values []string
		for _, value := range setting.Values {
			if !plainWord(value) || strings.Contains(value, ":") || yamlWord(value) {
				value = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(oneLine(value)) + `"`
			}
			values = append(values, value)
		}
		text := values[0]
		if len(values) > 1 {
			text = "[" + strings.Join(values, ", ") + "]"
		}
		fmt.Fprintf(&out, "%s%s: %s\n", mark, setting.Name, text)
	}
	return out.String()
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// Text is what a user reads of the plan.
func (p *Plan) Text() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s (%s) without running it, for this launcher:\n\n", p.File, p.Server)
	if p.Error != "" {
		fmt.Fprintf(&out, "    could not be read: %s\n", oneLine(p.Error))
		return out.String()
	}
	fmt.Fprintf(&out, "    %s\n\nor config/launcher.yml:\n\n", p.Command())
	for line := range strings.Lines(p.YAML()) {
		out.WriteString("    " + line)
	}
	if len(p.Remarks) > 0 {
		out.WriteString("\nWhat stands for the rest:\n\n")
	}
	for _, remark := range p.Remarks {
		fmt.Fprintf(&out, "    line %d, %s: %s\n", remark.Line, remark.Name, oneLine(remark.Text))
	}
	if len(p.Unread) > 0 {
		out.WriteString("\nNot read, since only running it would tell what it does:\n\n")
	}
	for _, line := range p.Unread {
		fmt.Fprintf(&out, "    line %d: %s\n", line.Line, oneLine(line.Text))
	}
	return out.String()
}
