//go:build linux

package cli

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/urfave/cli/v2"
)

// Widths of --help, in columns.
const (
	helpWidth     = 80 // where it is unknown
	minHelpWidth  = 40
	maxHelpWidth  = 120 // lines of prose are hard to read beyond
	optionColumns = 28  // of an option and its value, before what it is for
	helpIndent    = 2
)

// widthOfHelp returns COLUMNS, else the width of the terminal.
func widthOfHelp(out *os.File, columns string) int {
	width, err := strconv.Atoi(columns)
	if err != nil || width < 1 {
		width = terminalWidth(out, helpWidth)
	}
	return min(max(width, minHelpWidth), maxHelpWidth)
}

// printHelp prints what a command is for and its options, with lines broken between words.
func printHelp(w io.Writer, app *cli.App, command *cli.Command, width int) error {
	var out strings.Builder
	out.WriteString(wrap(strings.TrimSpace("launcher "+strings.TrimPrefix(command.Name, runName))+": "+command.Usage, width, 0))
	out.WriteString("\nUsage:\n")
	for line := range strings.Lines(command.UsageText) {
		usage, what, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "   ")
		writeRow(&out, usage, strings.TrimSpace(what), widestUsage(command.UsageText)+helpIndent, width)
	}
	for paragraph := range strings.SplitSeq(command.Description, "\n\n") {
		out.WriteString("\n" + wrap(strings.Join(strings.Fields(paragraph), " "), width, 0))
	}
	out.WriteString("\nOptions:\n")
	for _, flag := range command.Flags {
		name, what := optionHelp(flag)
		writeRow(&out, name, what, optionColumns, width)
	}
	writeRow(&out, "--help, -h", "print this", optionColumns, width)
	writeRow(&out, "--version, -v", "print the version of the launcher", optionColumns, width)
	_, err := io.WriteString(w, out.String())
	if err != nil {
		return fmt.Errorf("print help: %w", err)
	}
	return nil
}

func widestUsage(usage string) (widest int) {
	for line := range strings.Lines(usage) {
		command, _, _ := strings.Cut(line, "   ")
		widest = max(widest, len(command))
	}
	return widest
}

// optionHelp returns an option with the name of its value, and what it is for.
func optionHelp(flag cli.Flag) (name, what string) {
	doc, ok := flag.(cli.DocGenerationFlag)
	if !ok {
		return "--" + flag.Names()[0], ""
	}
	name = "--" + flag.Names()[0]
	if value := placeholder(flag); value != "" {
		name += " " + value
	}
	for _, alias := range flag.Names()[1:] {
		if len(alias) > 1 { // a name of former times
			continue
		}
		name += ", -" + alias
	}
	what = strings.ReplaceAll(doc.GetUsage(), "`", "")
	if standard := strings.Trim(doc.GetDefaultText(), `"`); standard != "" && doc.TakesValue() {
		what += "; default: " + standard
	}
	if variables := doc.GetEnvVars(); len(variables) > 0 {
		what += " [$" + strings.Join(variables, ", $") + "]"
	}
	return name, what
}

// placeholder returns the word in backquotes, which stands for an option's value.
func placeholder(flag cli.Flag) string {
	doc, ok := flag.(cli.DocGenerationFlag)
	if !ok || !doc.TakesValue() {
		return ""
	}
	if parts := strings.SplitN(doc.GetUsage(), "`", 3); len(parts) == 3 {
		return parts[1]
	}
	return "VALUE"
}

// writeRow writes two columns, one below the other where the first is too wide or the room too small.
func writeRow(out *strings.Builder, first, second string, column, width int) {
	head := strings.Repeat(" ", helpIndent) + first
	if second == "" {
		out.WriteString(wrap(first, width, helpIndent))
		return
	}
	if width < 2*column {
		column = 3 * helpIndent
	}
	body := wrap(second, width, column)
	if len(head)+2 <= column {
		body = head + strings.Repeat(" ", column-len(head)) + strings.TrimLeft(body, " ")
	} else {
		body = wrap(first, width, helpIndent) + body
	}
	out.WriteString(body)
}

// wrap breaks a text between words, each line indented by so many columns. A word that is longer than a line
// has one of its own.
func wrap(words string, width, indent int) string {
	var out strings.Builder
	room := 0
	for i, word := range strings.Fields(words) {
		columns := text.StringWidthWithoutEscSequences(word)
		switch {
		case i > 0 && columns+1 <= room:
			out.WriteString(" ")
			room--
		case i > 0:
			out.WriteString("\n")
			fallthrough
		default:
			out.WriteString(strings.Repeat(" ", indent))
			room = width - indent
		}
		out.WriteString(word)
		room -= columns
	}
	return out.String() + "\n"
}
