package migration

// Rule is what stands for a setting of another server.
type Rule struct {
	Names []string
	Text  string // of Markdown, for the page, and for a remark
	do    func(p *Plan, call Call, text string)
}

// says is a setting that no option stands for.
func says(text string, names ...string) Rule { return Rule{Names: names, Text: text} }

// means is one that an option stands for, with the value that read returns, "" where none can be known.
func means(option, text string, read func(p *Plan, call Call) string, names ...string) Rule {
	return Rule{Names: names, Text: text, do: func(p *Plan, call Call, text string) {
		call = call.of("0")
		if value := read(p, call); value != "" {
			p.set(call, option, value, "")
		} else {
			p.unreadable(call, text)
		}
	}}
}

// does is one that is more than an option.
func does(text string, do func(p *Plan, call Call, text string), names ...string) Rule {
	return Rule{Names: names, Text: text, do: do}
}

// What calls have as their first argument.
func firstTime(_ *Plan, call Call) string { return seconds(call, 0) }
func firstPath(p *Plan, call Call) string { return p.below(text(call, 0)) }
func firstText(_ *Plan, call Call) string { return text(call, 0) }
