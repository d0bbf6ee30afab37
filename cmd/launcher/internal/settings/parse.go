package settings

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"launcher/preforker/printable"
)

// mapping is what a file has at its top, for hints.
const mapping = "write an option and its value on each line, as in workers: 4"

// parse takes the text apart. All problems are found but for those of YAML itself, whose parser ends with the first.
func (f *File) parse(text []byte) (err error) {
	document, err := f.document(text)
	if err != nil {
		return err
	}
	r := &reader{file: f}
	switch body := document.(type) {
	case nil, *ast.NullNode, *ast.CommentGroupNode:
	case *ast.MappingNode:
		for _, entry := range body.Values {
			r.entry(entry)
		}
	case *ast.MappingValueNode:
		r.entry(body)
	default:
		r.refuse("", placeOf(body), mapping, "the file has %s, not names of options and their values", kindOf(body))
	}
	if len(r.problems) > 0 {
		slices.SortStableFunc(r.problems, func(a, b Problem) int { return a.At.Line - b.At.Line })
		return r.problems
	}
	return nil
}

// document returns what the one document of the text has, nil where that is nothing.
func (f *File) document(text []byte) (body ast.Node, err error) {
	defer func() {
		if fault := recover(); fault != nil { // of the parser
			body, err = nil, f.one(Place{1, 1}, mapping, "this cannot be read as YAML: %v", fault)
		}
	}()
	tree, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, f.syntaxError(err)
	}
	for _, document := range tree.Docs {
		if _, is := document.Body.(*ast.DirectiveNode); is || document.Body == nil {
			continue
		}
		if body != nil {
			return nil, f.one(placeOf(document.Body), "have one document in it, without ---", "a second document begins here")
		}
		body = document.Body
	}
	return body, nil
}

// syntaxError is the parser's error with its place.
func (f *File) syntaxError(err error) error {
	var placed interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if !errors.As(err, &placed) {
		return f.one(Place{1, 1}, mapping, "this is not YAML: %s", printable.Escape(err.Error()))
	}
	try := mapping
	at := placeOfToken(placed.GetToken())
	if line := f.Problem(at, "", "").Line; strings.HasPrefix(strings.TrimLeft(line, " "), "\t") {
		try = "indent with spaces: YAML takes no tabs there"
	} else if strings.HasPrefix(line, "%") && at.Line == 1 {
		return f.one(at, "remove the line, or put --- below it", "the line of a directive (%%) needs --- in a line below it")
	} else if strings.HasSuffix(strings.TrimSpace(line), ": -") {
		try = "put quotes around it: \"-\""
	} else if strings.ContainsAny(line, "*&!%@`") {
		try = "put quotes around a value that begins with one of * & ! % @ `"
	}
	return f.one(at, try, "this is not YAML: %s", placed.GetMessage())
}

// reader collects what a file says, and what is wrong in it.
type reader struct {
	file     *File
	problems Problems
}

func (r *reader) refuse(name string, at Place, try, format string, args ...any) {
	p := r.file.Problem(at, try, format, args...)
	p.Name = name
	r.problems = append(r.problems, p)
}

// entry reads a name and its value.
func (r *reader) entry(entry *ast.MappingValueNode) {
	key, is := entry.Key.(*ast.StringNode)
	if !is {
		r.refuse("", placeOf(entry.Key), mapping, "%s is no name of an option", kindOf(entry.Key))
		return
	}
	setting := Setting{Name: key.Value, At: placeOf(key)}
	if before, twice := r.file.Find(setting.Name); twice {
		r.refuse(setting.Name, setting.At, "leave one of them out", "%s is there twice, first in line %d", quoted(setting.Name), before.At.Line)
		return
	}
	if list, is := entry.Value.(*ast.SequenceNode); is {
		setting.List = true
		for _, item := range list.Values {
			if value, ok := r.value(setting, item); ok {
				setting.Values = append(setting.Values, value)
			}
		}
	} else if value, ok := r.value(setting, entry.Value); ok {
		setting.Values = append(setting.Values, value)
	}
	if len(setting.Values) > 0 || setting.List {
		r.file.Settings = append(r.file.Settings, setting)
	}
}

// value reads a value that has no parts.
func (r *reader) value(of Setting, node ast.Node) (value Value, ok bool) {
	value.At = of.At
	if node != nil {
		value.At = placeOf(node)
	}
	switch node := node.(type) {
	case nil, *ast.NullNode:
		value.Kind = Null
		return value, true
	case *ast.StringNode:
		value.Text = node.Value
		// The parser drops it without a word.
		if plain := node.Token; plain.Type == token.StringType && strings.Contains(strings.TrimSpace(plain.Origin), "\t") {
			r.refuse(of.Name, value.At, "put quotes around it, or write a space", "%s: there is a tab in the text", quoted(of.Name))
			return value, false
		}
	case *ast.LiteralNode:
		value.Text = strings.TrimRight(node.Value.Value, "\n")
	case *ast.BoolNode:
		value.Kind, value.Text = Bool, written(node)
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		value.Kind, value.Text = Number, written(node)
	case *ast.MappingNode, *ast.MappingValueNode:
		value.Kind = Section
		if !of.List {
			return value, true
		}
		r.refuse(of.Name, value.At, mapping, "%s: a list has values, not names with values", quoted(of.Name))
		return value, false
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		r.refuse(of.Name, value.At, "write the value itself; one that begins with & * or ! in quotes", "%s: %s is not read", quoted(of.Name), kindOf(node))
		return value, false
	default:
		r.refuse(of.Name, value.At, mapping, "%s: %s is no value", quoted(of.Name), kindOf(node))
		return value, false
	}
	return value, r.checkValue(of, value)
}

// checkValue refuses texts that nobody means.
func (r *reader) checkValue(of Setting, value Value) bool {
	switch {
	case strings.Contains(value.Text, "<%"):
		r.refuse(of.Name, value.At, "write the value, or leave it out and set the option's environment variable", "%s: ERB is not evaluated here", quoted(of.Name))
	case strings.ContainsFunc(value.Text, func(c rune) bool { return c < ' ' && c != '\t' && c != '\n' || c == 0x7f }):
		r.refuse(of.Name, value.At, "remove it", "%s: the value has a control character", quoted(of.Name))
	default:
		return true
	}
	return false
}

// written is a value as it stands in the file.
func written(node ast.Node) string { return node.GetToken().Value }

func placeOf(node ast.Node) Place {
	switch node := node.(type) {
	case *ast.MappingValueNode: // whose token is the colon
		return placeOf(node.Key)
	case *ast.MappingNode:
		if len(node.Values) > 0 && !node.IsFlowStyle {
			return placeOf(node.Values[0])
		}
	}
	return placeOfToken(node.GetToken())
}

func placeOfToken(t *token.Token) Place {
	if t == nil || t.Position == nil {
		return Place{1, 1}
	}
	return Place{max(t.Position.Line, 1), max(t.Position.Column, 1)}
}

// kindOf names what a node is.
func kindOf(node ast.Node) string {
	switch node.(type) {
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a section"
	case *ast.AnchorNode:
		return "an anchor (&)"
	case *ast.AliasNode:
		return "an alias (*)"
	case *ast.TagNode:
		return "a tag (!)"
	case *ast.MergeKeyNode:
		return "a merge (<<)"
	case *ast.StringNode, *ast.LiteralNode:
		return "a text"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	case *ast.BoolNode:
		return "true or false"
	}
	return fmt.Sprintf("this (%s)", strings.ToLower(node.Type().String()))
}

// quoted is a name for a message.
func quoted(name string) string { return printable.Mask(printable.Cut(name, 60), utf8.RuneError) }
