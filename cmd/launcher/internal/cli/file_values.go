//go:build linux

package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"launcher/cmd/launcher/internal/settings"
	"launcher/preforker/hint"
)

// fits refuses a value that is written as none of its option's type is.
func (r *fileReader) fits(flag cli.Flag, value settings.Value) bool {
	name := flag.Names()[0]
	example := name + ": " + sample(flag)
	wrong := func(wanted string) bool {
		r.refuse(value.At, example, "%s: %s is wanted, not %s", name, wanted, asWritten(value))
		return false
	}
	switch value.Kind {
	case settings.Null:
		if slices.Contains(mayBeEmpty, name) {
			return true
		}
		r.refuse(value.At, "leave it out, or "+example, "%s has no value", name)
		return false
	case settings.Section:
		return wrong("a value")
	}
	if value.Text == "" && !slices.Contains(mayBeEmpty, name) {
		r.refuse(value.At, "leave it out, or "+example, "%s: its value is empty", name)
		return false
	}
	switch flag.(type) {
	case *cli.BoolFlag:
		return value.Kind == settings.Bool || wrong("true or false")
	case *cli.IntFlag, *cli.Uint64Flag, *cli.Float64Flag:
		return value.Kind == settings.Number || wrong("a number")
	case *cli.DurationFlag:
		return value.Kind != settings.Bool || wrong("a time such as 500ms, 90s or 5m")
	}
	return value.Kind != settings.Bool || wrong("a text")
}

// sample is a value that an option could have.
func sample(flag cli.Flag) string {
	switch flag := flag.(type) {
	case *cli.BoolFlag:
		return "true"
	case *cli.DurationFlag:
		return example(flag.Name, flag.Value.String(), flag.Value == 0)
	case *cli.IntFlag:
		return example(flag.Name, fmt.Sprint(flag.Value), flag.Value == 0)
	case *cli.Uint64Flag:
		return "500"
	case *cli.StringFlag:
		if flag.Value != "" {
			return flag.Value
		}
	}
	return placeholder(flag)
}

func asWritten(value settings.Value) string {
	switch value.Kind {
	case settings.Section:
		return "names with values of their own"
	case settings.Text:
		return fmt.Sprintf("the text %q", value.Text)
	}
	return value.Text
}

// takeWorkers reads what stands for NUM.
func (r *fileReader) takeWorkers(setting settings.Setting) {
	value := settings.Value{At: setting.At, Kind: settings.Null}
	if len(setting.Values) > 0 && !setting.List {
		value = setting.Values[0]
	}
	text := value.Text
	_, err := parseNumber(text, workersSetting, "workers: 4")
	switch {
	case setting.List || value.Kind != settings.Number && text != autoNumber:
		wrong := asWritten(value)
		if setting.List {
			wrong = "a list"
		} else if value.Kind == settings.Null {
			wrong = "nothing"
		}
		r.refuse(value.At, "workers: 4", "workers: a number is wanted, or auto, not %s", wrong)
	case err != nil:
		r.refuse(value.At, hint.Of(err), "%s", err)
	default:
		r.line.workers = &given{value: text, from: &fromFile{r.file, setting, value.At}}
	}
}

// otherSettings are what other servers' files call things, and what stands for them.
var otherSettings = map[string]string{
	"worker_processes": workersSetting, "processes": workersSetting, "num": workersSetting, "port": optHTTP, "bind": optHTTP,
	"pidfile": optPidFile, "pid": optPidFile, "timeout": optRequestTimeout, "worker_timeout": optRequestTimeout, "stderr_path": optLogFile,
}

// unknown refuses a name with the one that may be meant.
func (r *fileReader) unknown(setting settings.Setting) {
	name := visible(setting.Name)
	names := []string{workersSetting}
	for _, flag := range r.known {
		names = append(names, flag.Names()[0])
	}
	plain := strings.ToLower(strings.ReplaceAll(strings.TrimLeft(strings.TrimPrefix(setting.Name, variablePrefix), "-"), "_", "-"))
	near := nearest(plain, names)
	if other := otherSettings[setting.Name]; other != "" {
		near = other
	} else if i := slices.IndexFunc(r.known, func(flag cli.Flag) bool { return slices.Contains(flag.Names(), setting.Name) }); i >= 0 {
		near = r.known[i].Names()[0] // of which it is the letter
	}
	switch {
	case len(setting.Values) > 0 && setting.Values[0].Kind == settings.Section:
		r.refuse(setting.At, "write the options at the left margin; for another environment name another file, as in --config config/launcher.staging.yml",
			"there is no option %s, and there are no sections: an option holds wherever the file is read", name)
	case near != "":
		r.refuse(setting.At, near+": …", "there is no option %s; did you mean %s?", name, near)
	case setting.Name == optConfig:
		r.refuse(setting.At, "leave it out", "%s: a file names no other", name)
	default:
		var owners []string
		for _, command := range r.app.Commands {
			if flagOf(command, plain) != nil {
				owners = append(owners, "launcher "+command.Name)
			}
		}
		if len(owners) > 0 {
			r.refuse(setting.At, "leave it out", "%s is no option of launcher NUM, whose options the file has, but of %s", name, strings.Join(owners, ", "))
			return
		}
		r.refuse(setting.At, "launcher help lists them", "there is no option %s", name)
	}
}

// inFile has an error, and what to do about it, name an option as the file does.
func inFile(name, text, try string) (string, string) {
	text = strings.Replace(text, "read --"+name+":", name+":", 1)
	option := "--" + name
	if value, found := strings.CutPrefix(try, option+" "); found {
		try = name + ": " + value
	} else if try == option {
		try = name + ": true"
	}
	return text, try
}
