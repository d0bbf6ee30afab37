//go:build linux

package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/urfave/cli/v2"
)

// configShowName is the command that says what is in force.
const configShowName = "config show"

func configShowCommand(stdout *os.File) *cli.Command {
	return &cli.Command{
		Name:      configShowName,
		Usage:     "print the options that launcher NUM has here, and where each comes from",
		ArgsUsage: "[NUM]",
		UsageText: "launcher config show [options] [NUM]",
		Description: "Takes all options of launcher NUM, and says for each what holds: that of the command line, else of its environment\n" +
			"variable, else of the file (" + settingsFile + " below the root, or --config), else its default.",
		Flags:        append([]cli.Flag{jsonFlag()}, runFlags()...),
		Action:       func(ctx *cli.Context) error { return printOptions(ctx, stdout) },
		OnUsageError: onUsageError,
	}
}

// Where the value of an option comes from.
const (
	fromCommandLine = "command line"
	fromEnvironment = "environment"
	fromTheFile     = "file"
	fromDefault     = "default"
)

// shownOption is an option in force.
type shownOption struct {
	Name     string   `json:"name"`
	Value    any      `json:"value"` // null where there is none
	Source   string   `json:"source"`
	Variable string   `json:"variable,omitempty"`
	Line     int      `json:"line,omitempty"`
	Column   int      `json:"column,omitempty"`
	text     []string // the value, a line each
}

// shownOptions is the JSON of config show.
type shownOptions struct {
	Root    string        `json:"root"`
	File    *string       `json:"file"` // null where none is read
	Options []shownOption `json:"options"`
}

func printOptions(ctx *cli.Context, stdout *os.File) error {
	shown, err := optionsInForce(ctx)
	if err != nil {
		return err
	}
	if ctx.Bool(optJSON) {
		encoder := json.NewEncoder(escaper{stdout})
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(shown)
	}
	warn(ctx.App.ErrWriter, ctx.App.Metadata[notesKey].([]string))
	if _, err := io.WriteString(stdout, shown.text(lineOf(ctx).filename)); err != nil {
		return fmt.Errorf("print options: %w", err)
	}
	return nil
}

func optionsInForce(ctx *cli.Context) (shown shownOptions, err error) {
	line := lineOf(ctx)
	if shown.Root, err = absolute(ctx.String(optRoot)); err != nil {
		return shown, err
	}
	if line.file != nil {
		shown.File = &line.file.Path
	}
	workers, err := workersInForce(ctx)
	if err != nil {
		return shown, err
	}
	shown.Options = append(shown.Options, workers)
	for _, flag := range runFlags() {
		name := flag.Names()[0]
		one := shownOption{Name: name, Source: fromDefault}
		one.value(ctx, flag)
		switch i := line.index(name); {
		case i >= 0:
			one.from(line.options[i])
		case name == optEnvironment:
			one.environment(ctx)
		case name == optRoot:
			one.set(shown.Root)
		case name == optSocketDir:
			one.set(filepath.Join(shown.Root, "log"))
		}
		shown.Options = append(shown.Options, one)
	}
	return shown, nil
}

// workersInForce is NUM, or that there is none.
func workersInForce(ctx *cli.Context) (one shownOption, err error) {
	one = shownOption{Name: workersSetting, Source: fromDefault, text: []string{"(none)"}}
	line := lineOf(ctx)
	set := strings.TrimSpace(os.Getenv(webConcurrency)) != ""
	switch {
	case ctx.NArg() > 0:
		one.Source = fromCommandLine
	case set:
		one.Source, one.Variable = fromEnvironment, webConcurrency
	case line.workers != nil:
		one.from(*line.workers)
	default:
		return one, nil
	}
	found, err := workerCount(ctx, "launcher config show 4")
	one.Value, one.text = found.workers, []string{fmt.Sprint(found.workers)}
	return one, err
}

// value reads what the option has in the end.
func (o *shownOption) value(ctx *cli.Context, flag cli.Flag) {
	switch f := flag.(type) {
	case *cli.BoolFlag:
		o.Value = ctx.Bool(o.Name)
	case *cli.IntFlag:
		o.Value = ctx.Int(o.Name)
	case *cli.Uint64Flag:
		o.Value = ctx.Uint64(o.Name)
	case *cli.StringSliceFlag:
		if values := ctx.StringSlice(o.Name); len(values) > 0 {
			o.Value, o.text = values, values
			return
		}
	case *cli.DurationFlag:
		o.Value = shortTime(ctx.Duration(o.Name).String())
	default:
		if text := fmt.Sprint(ctx.Value(f.Names()[0])); text != "" {
			o.Value = text
		}
	}
	o.text = []string{fmt.Sprint(o.Value)}
	if standard := standardText(flag); o.Value == nil || !ctx.IsSet(o.Name) && takesValue(flag) && shortTime(standard) != o.text[0] {
		o.Value, o.text = nil, []string{"(" + cmp.Or(standard, "none") + ")"} // which no value says
	}
}

// standardText is what an option's help says of its default.
func standardText(flag cli.Flag) string {
	doc, is := flag.(cli.DocGenerationFlag)
	if !is {
		return ""
	}
	return strings.Trim(doc.GetDefaultText(), `"`)
}

// shortTime leaves out minutes and seconds that are none.
func shortTime(text string) string {
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func (o *shownOption) set(text string) { o.Value, o.text = text, []string{text} }

func (o *shownOption) from(option given) {
	switch {
	case option.from != nil:
		o.Source, o.Line, o.Column = fromTheFile, option.from.at.Line, option.from.at.Column
	case option.variable != "":
		o.Source, o.Variable = fromEnvironment, option.variable
	default:
		o.Source = fromCommandLine
	}
}

// environment says where the environment of Rails comes from without the option.
func (o *shownOption) environment(ctx *cli.Context) {
	o.set(readEnvironment(ctx).rails)
	for _, variable := range environmentVariables {
		if os.Getenv(variable) != "" {
			o.Source, o.Variable = fromEnvironment, variable
			return
		}
	}
}

// text is a table, with what holds where nothing is said in parentheses.
func (s shownOptions) text(path string) string {
	var out strings.Builder
	switch {
	case path == "":
		out.WriteString("no file is read (--config none)\n\n")
	case s.File == nil:
		fmt.Fprintf(&out, "there is no file %s\n\n", visible(path))
	default:
		fmt.Fprintf(&out, "the file is %s\n\n", visible(path))
	}
	names, values := 0, 0
	for _, option := range s.Options {
		names = max(names, len(option.Name))
		for _, value := range option.text {
			values = max(values, min(text.StringWidthWithoutEscSequences(visible(value)), widestValue))
		}
	}
	for _, option := range s.Options {
		for i, value := range option.text {
			name, source := option.Name, option.origin()
			if i > 0 {
				name, source = "", ""
			}
			value = visible(value)
			room := max(values-text.StringWidthWithoutEscSequences(value), 0)
			fmt.Fprintln(&out, strings.TrimRight(fmt.Sprintf("%-*s  %s%s  %s", names, name, value, strings.Repeat(" ", room), source), " "))
		}
	}
	return out.String()
}

// widestValue is what the column of values is made for; a longer value pushes its source to the right.
const widestValue = 48

func (o shownOption) origin() string {
	switch o.Source {
	case fromEnvironment:
		return o.Variable
	case fromTheFile:
		return fmt.Sprintf("file, line %d", o.Line)
	}
	return o.Source
}
