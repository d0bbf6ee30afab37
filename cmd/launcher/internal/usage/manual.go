package usage

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
)

// Manual is the manual page of section 1, in the macros of man(7).
func (p Program) Manual() string {
	page := &manual{program: p}
	main := p.Commands[0]
	page.line(fmt.Sprintf(".TH %s 1 %s", strings.ToUpper(p.Name), p.Made.UTC().Format(time.DateOnly)) + quoted(p.Name+" "+p.Version, "User Commands"))
	page.line(".\\\" Made by \"" + p.Name + " man\", of what --help says.\n.nh\n.ad l")
	page.section("NAME")
	page.line(fill(roff(p.Name) + ` \- ` + roff(main.What)))
	page.section("SYNOPSIS")
	for i, line := range usageLines(main.Usage) {
		if i > 0 {
			page.line(".br")
		}
		page.line(synopsis(line.call))
	}
	about, sections := split(main.Text)
	page.section("DESCRIPTION")
	page.paragraphs(about)
	page.section("OPTIONS")
	page.options(p.optionsOf(main))
	page.section("COMMANDS")
	for _, command := range p.named() {
		page.command(command, main)
	}
	for _, part := range sections {
		page.section(strings.ToUpper(part.name))
		page.paragraphs([]string{part.text})
	}
	page.environment()
	if len(p.Files) > 0 {
		page.section("FILES")
		for _, file := range p.Files {
			page.item(`\fI`+roff(file.Path)+`\fR`, prose(file.What))
		}
	}
	if len(p.SeeAlso) > 0 {
		page.section("SEE ALSO")
		var pages []string
		for _, other := range p.SeeAlso {
			name, section, _ := strings.Cut(strings.TrimSuffix(other, ")"), "(")
			pages = append(pages, `\fB`+roff(name)+`\fR(`+roff(section)+`)`)
		}
		page.line(strings.Join(pages, ",\n"))
	}
	return page.text.String()
}

// manual is a page that is being written.
type manual struct {
	program Program
	text    strings.Builder
}

func (m *manual) line(text string) { m.text.WriteString(text + "\n") }

// quoted are arguments of a macro, which may have spaces.
func quoted(arguments ...string) (text string) {
	for _, argument := range arguments {
		text += ` "` + strings.ReplaceAll(roff(argument), `"`, `\(dq`) + `"`
	}
	return text
}

func (m *manual) section(name string) { m.line(".SH" + quoted(name)) }

func (m *manual) paragraphs(texts []string) {
	for i, text := range texts {
		if i > 0 {
			m.line(".PP")
		}
		m.line(fill(prose(text)))
	}
}

// item writes a term, and what it means below it.
func (m *manual) item(term, text string) { m.line(".TP\n" + term + "\n" + fill(text)) }

func (m *manual) options(options []Option) {
	for _, option := range options {
		var names []string
		for _, name := range option.shown() {
			names = append(names, `\fB`+roff(typed(name))+`\fR`)
		}
		if option.Placeholder != "" {
			names[0] += ` \fI` + roff(option.Placeholder) + `\fR`
		}
		text := prose(option.What)
		if option.Default != "" && option.Placeholder != "" {
			text += "; default: " + prose(option.Default)
		}
		if len(option.Variables) > 0 {
			text += " [" + roff("$"+strings.Join(option.Variables, ", $")) + "]"
		}
		m.item(strings.Join(names, ", "), text)
	}
}

// command writes what a command does. Options that the program has as well are named alone.
func (m *manual) command(c, main Command) {
	m.line(".SS" + quoted(m.program.Name+" "+c.Name))
	for i, line := range usageLines(c.Usage) {
		if i > 0 {
			m.line(".br")
		}
		m.line(synopsis(line.call))
		if line.what != "" {
			m.line(".br\n" + fill(prose(line.what)))
		}
	}
	m.line(".PP\n" + fill(prose(strings.ToUpper(c.What[:1])+c.What[1:])+"."))
	if c.Text != "" {
		m.line(".PP")
		m.paragraphs(paragraphs(c.Text))
	}
	var own []Option
	var shared []string
	for _, option := range c.Options {
		if slices.ContainsFunc(main.Options, option.same) {
			shared = append(shared, roff(typed(option.Names[0])))
		} else {
			own = append(own, option)
		}
	}
	m.options(own)
	switch every := len(shared) == len(main.Options); {
	case every:
		m.line(".PP\nAlso takes all options above, in OPTIONS.")
	case len(shared) > 0:
		m.line(".PP\n" + fill(`Also takes, as above: \fB`+strings.Join(shared, `\fR, \fB`)+`\fR.`))
	}
}

// environment lists the variables that options have.
func (m *manual) environment() {
	var names []string
	for _, command := range m.program.Commands {
		for _, option := range command.Options {
			for _, name := range option.Variables {
				if !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
	}
	if len(names) == 0 {
		return
	}
	slices.Sort(names)
	m.section("ENVIRONMENT")
	m.line(fill("Options that are not on the command line are taken from these, which the options name, unless they are empty: " + roff(strings.Join(names, ", ")) + "."))
}

// usageLine is one way to call a command.
type usageLine struct{ call, what string }

// usageLines takes the lines of a usage apart: what one does stands behind three spaces.
func usageLines(usage string) (lines []usageLine) {
	for line := range strings.Lines(usage) {
		call, what, _ := strings.Cut(strings.TrimSpace(line), "   ")
		lines = append(lines, usageLine{call, strings.TrimSpace(what)})
	}
	return lines
}

// paragraphs are those of a text. One that begins with a heading of its own begins anew.
func paragraphs(text string) (all []string) {
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		begun := 0
		for _, at := range heading().FindAllStringIndex(paragraph, -1) {
			if at[0] > 0 {
				all = append(all, strings.Join(strings.Fields(paragraph[begun:at[0]]), " "))
				begun = at[0]
			}
		}
		all = append(all, strings.Join(strings.Fields(paragraph[begun:]), " "))
	}
	return slices.DeleteFunc(all, func(text string) bool { return text == "" })
}

// heading is how a paragraph begins that is a section of manual pages.
var heading = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?m)^(Exit status|Signals): `) })

// part is a paragraph with a section of its own.
type part struct{ name, text string }

// split has the paragraphs of a text, and apart from them those that are sections of their own.
func split(text string) (about []string, sections []part) {
	for _, paragraph := range paragraphs(text) {
		if name := heading().FindStringSubmatch(paragraph); name != nil {
			text := strings.TrimPrefix(paragraph, name[0])
			sections = append(sections, part{name[1], strings.ToUpper(text[:1]) + text[1:]})
		} else {
			about = append(about, paragraph)
		}
	}
	return about, sections
}

// synopsis is a call with what stands for itself in bold, and what a user puts there in italics.
func synopsis(call string) string {
	var words []string
	for word := range strings.FieldsSeq(call) {
		switch {
		case strings.HasPrefix(word, "["):
			word = "[" + `\fI` + roff(strings.Trim(word, "[]")) + `\fR` + "]"
		case strings.ContainsFunc(word, unicode.IsUpper):
			word = `\fI` + roff(word) + `\fR`
		default:
			word = `\fB` + roff(word) + `\fR`
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// optionInText is an option that a text names.
var optionInText = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`--[a-z][a-z-]*[a-z]`) })

// prose is a text with placeholders in italics, and options in bold.
func prose(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	var b strings.Builder
	for i, part := range strings.Split(text, "`") {
		if i%2 == 1 {
			b.WriteString(`\fI` + roff(part) + `\fR`)
			continue
		}
		begun := 0
		for _, at := range optionInText().FindAllStringIndex(part, -1) {
			b.WriteString(roff(part[begun:at[0]]) + `\fB` + roff(part[at[0]:at[1]]) + `\fR`)
			begun = at[1]
		}
		b.WriteString(roff(part[begun:]))
	}
	return b.String()
}

// fill breaks text between words, so that lines of the page's source are no longer than editors show.
func fill(text string) string {
	const width = 78
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, guard(line))
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return strings.Join(append(lines, guard(line)), "\n")
}

// guard has a line taken for text that begins as a request does.
func guard(line string) string {
	if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
		return `\&` + line
	}
	return line
}

// roff escapes what the formatter would take for something else.
func roff(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\\':
			b.WriteString(`\e`)
		case r == '-':
			b.WriteString(`\-`)
		case r == '\'':
			b.WriteString(`\(aq`)
		case r == '`':
			b.WriteString("\\(ga")
		case r == '^':
			b.WriteString(`\(ha`)
		case r == '~':
			b.WriteString(`\(ti`)
		case r > unicode.MaxASCII:
			fmt.Fprintf(&b, `\[u%04X]`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
