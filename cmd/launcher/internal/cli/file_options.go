//go:build linux

package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"launcher/cmd/launcher/internal/settings"
	"launcher/preforker/hint"
)

// A file has options of launcher NUM, for what the command line and the environment do not say. Every command that has one of them
// reads the same file.

const (
	optConfig = "config"

	// noFile is the name that means that no file is read.
	noFile = "none"

	// settingsFile is where it is below the root, unless one is named.
	settingsFile = "config/launcher.yml"

	// workersSetting is NUM in the file.
	workersSetting = "workers"
)

func configFlag() cli.Flag {
	return &cli.StringFlag{Name: optConfig, EnvVars: env(optConfig),
		Usage: "`FILE` of options, for what neither the command line nor the environment says; " + noFile + ": no file", DefaultText: settingsFile + " below the root, where it is"}
}

// fromFile is where a file has a value.
type fromFile struct {
	file    *settings.File
	setting settings.Setting
	at      settings.Place // of the value
}

// readFile adds the options that a file has and neither the command line nor a variable says.
func (l *commandLine) readFile(app *cli.App, variables []string) error {
	if flagOf(l.command, optConfig) == nil {
		return nil
	}
	if slices.ContainsFunc(environmentVariables, func(name string) bool { value, _ := lookup(variables, name); return value != "" }) {
		l.elsewhere = append(l.elsewhere, optEnvironment)
	}
	known := fileFlags(app)
	whole := flagOf(l.command, optRackup) != nil // a command that knows where the application is, and not only its sockets
	if !whole && !slices.ContainsFunc(known, func(flag cli.Flag) bool { return l.takesFromFile(flag) }) {
		return nil
	}
	path, named, err := l.filePath()
	if err != nil || path == "" {
		return err
	}
	l.filename = path
	file, err := settings.Read(path)
	if (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)) && !named {
		return nil
	}
	if errors.Is(err, fs.ErrPermission) && !named && isClosed(filepath.Dir(filepath.Dir(path))) {
		return nil // whatever the command is for cannot be reached either, which it tells with what to do
	}
	if !whole {
		err = l.concerning(known, err)
	}
	if err != nil {
		return usageError{err}
	}
	l.file = file
	r := &fileReader{line: l, app: app, file: file, known: known, named: named, whole: whole}
	r.read()
	if len(r.problems) > 0 {
		return usageError{r.problems}
	}
	l.options = append(l.options, r.options...)
	if l.command.Name == runName && len(file.Settings) > 0 {
		l.notes = append(l.notes, "options are taken from "+path+" (launcher config show)")
	}
	return nil
}

// concerning returns an error about a file without the problems of settings that the command has no use for.
func (l *commandLine) concerning(known []cli.Flag, err error) error {
	var problems settings.Problems
	if !errors.As(err, &problems) {
		return err
	}
	problems = slices.DeleteFunc(problems, func(p settings.Problem) bool {
		return p.Name != "" && !slices.ContainsFunc(known, func(flag cli.Flag) bool { return slices.Contains(flag.Names(), p.Name) && l.takesFromFile(flag) })
	})
	if len(problems) == 0 {
		return nil
	}
	return problems
}

// isClosed says whether nothing below a folder can be reached.
func isClosed(folder string) bool {
	_, err := os.Stat(folder + "/.")
	return errors.Is(err, fs.ErrPermission)
}

// fileFlags are the options that a file may have.
func fileFlags(app *cli.App) []cli.Flag {
	return slices.DeleteFunc(slices.Clone(app.Command(runName).Flags), func(flag cli.Flag) bool { return flag.Names()[0] == optConfig })
}

// takesFromFile says whether the command has an option, which nothing else says yet. What the experiment calls by these names is
// something else.
func (l *commandLine) takesFromFile(flag cli.Flag) bool {
	name := flag.Names()[0]
	own := l.command.Name == experimentName && slices.Contains([]string{optBootTimeout, optRequestTimeout}, name)
	return !own && flagOf(l.command, name) != nil && !l.has(name) && !slices.Contains(l.elsewhere, name)
}

func (l *commandLine) has(name string) bool { return l.index(name) >= 0 }

// said returns the value of an option that the command line or a variable says.
func (l *commandLine) said(name string) string {
	if i := l.index(name); i >= 0 {
		return l.options[i].value
	}
	return ""
}

// filePath returns where the file is, "" for none, and whether that is named.
func (l *commandLine) filePath() (path string, named bool, err error) {
	switch path = l.said(optConfig); path {
	case noFile:
		return "", false, nil
	case "":
		root, err := absolute(l.said(optRoot))
		return filepath.Join(root, settingsFile), false, err
	}
	path, err = absolute(path)
	return path, true, err
}

// fileReader makes options of what a file says.
type fileReader struct {
	line         *commandLine
	app          *cli.App
	file         *settings.File
	known        []cli.Flag
	named, whole bool
	root         string
	options      []given
	problems     settings.Problems
}

func (r *fileReader) refuse(at settings.Place, try, format string, args ...any) {
	r.problems = append(r.problems, r.file.Problem(at, try, format, args...))
}

func (r *fileReader) read() {
	r.root = r.rootOf()
	for _, setting := range r.file.Settings {
		i := slices.IndexFunc(r.known, func(flag cli.Flag) bool { return slices.Contains(flag.Names(), setting.Name) && len(setting.Name) > 1 })
		switch {
		case i >= 0:
			r.take(r.known[i], setting)
		case !r.whole:
		case setting.Name == workersSetting:
			r.takeWorkers(setting)
		default:
			r.unknown(setting)
		}
	}
}

// rootOf returns the application's folder, from which paths in the file are told.
func (r *fileReader) rootOf() string {
	root := r.line.said(optRoot)
	if setting, is := r.file.Find(optRoot); is && r.named && root == "" && len(setting.Values) == 1 && setting.Values[0].Text != "" {
		root = setting.Values[0].Text
		if !filepath.IsAbs(root) {
			root = filepath.Join(filepath.Dir(r.file.Path), root)
		}
	}
	root, err := absolute(root)
	if err != nil {
		return "."
	}
	return root
}

// take checks the values of an option, and keeps them where the command has use for them.
func (r *fileReader) take(flag cli.Flag, setting settings.Setting) {
	name := flag.Names()[0]
	wanted := r.line.takesFromFile(flag)
	if !r.whole && !wanted || !r.mayBe(name, setting) {
		return
	}
	if setting.List && !isRepeatable(flag) {
		r.refuse(setting.Values[0].At, name+": "+strings.Join(texts(setting), ","), "%s has one value, and no list of them", name)
		return
	}
	for _, value := range setting.Values {
		if !r.fits(flag, value) {
			continue
		}
		option := given{flag: flag, value: r.resolved(name, value.Text), from: &fromFile{r.file, setting, value.At}}
		if err := checkValue(option); err != nil {
			text, try := inFile(name, err.Error(), hint.Of(err))
			r.refuse(value.At, try, "%s", text)
		} else if wanted {
			r.options = append(r.options, option)
		}
	}
}

// mayBe refuses options that this file cannot have.
func (r *fileReader) mayBe(name string, setting settings.Setting) bool {
	switch {
	case len(setting.Values) == 0:
		r.refuse(setting.At, "leave it out, or name something", "%s: the list is empty", name)
	case name == optRoot && !r.named:
		r.refuse(setting.At, "leave it out, or have the file elsewhere and name it with --config", "%s: this file was found by the root", name)
	case r.isRoots(name) && !onlyRootChanges(r.file.Path):
		r.refuse(setting.At, "say it on the command line, or have the file and all folders above it root's alone (chown root, chmod go-w)",
			"%s: as root that is taken only from a file that nobody else may change", name)
	default:
		return true
	}
	return false
}

// rootsSettings are those that say with whose rights the application runs.
var rootsSettings = []string{optUser, optGroup, optAllowRoot, optSocketUser}

// rootsPlaces are those that say what root makes and gives to the user that it becomes, or reads before it does.
var rootsPlaces = []string{optSocketDir, optLogFile, optAccessLog, optPidFile, optTLSCert, optTLSKey, optDashboardToken}

// isRoots says whether an option is root's word alone here.
func (r *fileReader) isRoots(name string) bool {
	becomesUser := r.whole && (r.line.said(optUser) != "" || r.line.said(optGroup) != "")
	return os.Geteuid() == 0 && !r.line.has(name) && (slices.Contains(rootsSettings, name) || becomesUser && slices.Contains(rootsPlaces, name))
}

// resolved makes a path that the command line would have by the current folder one below the root: whoever starts the launcher is
// anywhere.
func (r *fileReader) resolved(name, value string) string {
	switch {
	case name == optRoot:
		return r.root
	case name == optHTTP:
		text, _ := withUnixPaths(value, func(path string) (string, error) { return belowRoot(r.root, path), nil })
		return text
	case name == optRuby && strings.Contains(value, "/"):
	case name == optSocketDir, name == optLogFile, slices.Contains(pathOptions, name) && value != "-":
	default:
		return value
	}
	return belowRoot(r.root, value)
}

func texts(setting settings.Setting) (all []string) {
	for _, value := range setting.Values {
		all = append(all, value.Text)
	}
	return all
}
