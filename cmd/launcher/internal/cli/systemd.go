//go:build linux

package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/urfave/cli/v2"

	"launcher/cmd/launcher/internal/systemd"
	"launcher/preforker/hint"
	"launcher/preforker/ident"
)

// systemdName is the command that has the options of launcher NUM, for its unit.
const systemdName = "systemd"

const (
	optUnitName       = "name"
	optSocketUnits    = "socket"
	optSystemdVersion = "systemd-version"
	optUnitFolder     = "output"
	optUnitTemplate   = "template"

	// oldestSystemd is what units are written for where none is installed: Debian 11's.
	oldestSystemd = 247
)

func systemdCommand(stdout *os.File) *cli.Command {
	return &cli.Command{
		Name:      systemdName,
		Usage:     "print a service unit of systemd for NUM workers with these options",
		ArgsUsage: "NUM",
		UsageText: "launcher systemd [options] NUM\nlauncher systemd --template [options]",
		Description: "Takes the options of launcher NUM, and those that its environment variables hold, into the unit. The sockets are in\n" +
			"/run/NAME, unless --socket-dir says otherwise. --user is the user of the service, which systemd makes of it from the start.\n\n" +
			"--template prints launcher@.service, which is for any number of applications: launcher@shop runs that of /srv/shop as the\n" +
			"user shop, with its sockets in /run/launcher/shop, and has its options from the variables in /etc/launcher/shop.conf.",
		Flags: append(runFlags(),
			&cli.StringFlag{Name: optUnitName, Usage: "`NAME` of the unit", DefaultText: "the application's folder"},
			&cli.BoolFlag{Name: optSocketUnits, Usage: "print units for the sockets too, which systemd then binds and keeps"},
			&cli.BoolFlag{Name: optUnitTemplate, Usage: "print one unit for any number of applications"},
			&cli.StringFlag{Name: optUnitFolder, Usage: "write files into `FOLDER` instead (/etc/systemd/system)"},
			&cli.IntFlag{Name: optSystemdVersion, Usage: "write for this `VERSION` of systemd", DefaultText: "the one installed"},
		),
		Action:       func(ctx *cli.Context) error { return printUnits(ctx, stdout) },
		OnUsageError: onUsageError,
	}
}

func printUnits(ctx *cli.Context, stdout io.Writer) error {
	read := readService
	if ctx.Bool(optUnitTemplate) {
		read = readTemplate
	}
	service, err := read(ctx)
	if err != nil {
		return err
	}
	units := service.Units()
	if folder := ctx.String(optUnitFolder); folder != "" {
		for _, unit := range units {
			path := filepath.Join(folder, unit.Name)
			if err := os.WriteFile(path, []byte(unit.Text), 0o644); err != nil { // units are for everybody to read
				return hint.Errorf("name a folder that may be written", "write unit: %w", err)
			}
			if _, err := fmt.Fprintln(stdout, path); err != nil {
				return fmt.Errorf("print units: %w", err)
			}
		}
		return nil
	}
	for i, unit := range units {
		text := unit.Text
		if len(units) > 1 {
			text = "# /etc/systemd/system/" + unit.Name + "\n" + text
		}
		if i > 0 {
			text = "\n" + text
		}
		if _, err := io.WriteString(stdout, text); err != nil {
			return fmt.Errorf("print units: %w", err)
		}
	}
	return nil
}

// unitName matches what a unit of systemd can be called.
var unitName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`) })

// readService reads what a service is to be. A mistake that launcher NUM would refuse is one here.
func readService(ctx *cli.Context) (systemd.Service, error) {
	found, err := workerCount(ctx, "launcher systemd 4")
	if err != nil {
		return systemd.Service{}, err
	}
	config, where, err := readConfig(ctx, found.workers)
	if err != nil {
		return systemd.Service{}, err
	}
	service := systemd.Service{Name: ctx.String(optUnitName), Root: where.app.Root, SocketDir: where.socketDir,
		Boot: ctx.Duration(optBootTimeout), Drain: ctx.Duration(optDrainTimeout), Group: ctx.String(optGroup)}
	if service.Name == "" {
		service.Name = appName(service.Root)
	}
	if !unitName().MatchString(service.Name) {
		return service, usageErrorf("--name shop", "read --%s: %q is not what a unit can be called", optUnitName, service.Name)
	}
	if ctx.String(optSocketDir) == "" {
		service.SocketDir = "/run/" + service.Name
		where.socketDir = service.SocketDir
	}
	if err := where.checkPlaces(found.workers); err != nil {
		return service, err
	}
	if err := readAbout(ctx, &service); err != nil {
		return service, err
	}
	options, err := readHTTP(ctx)
	if err != nil {
		return service, err
	}
	service.Ports = where.listen.IsValid()
	for _, address := range options.addresses {
		service.Ports = service.Ports || address.network != "unix"
		service.LowPorts = service.LowPorts || address.network != "unix" && lowPort(address.address)
	}
	told, err := readMetrics(ctx)
	if err != nil {
		return service, err
	}
	page, err := dashboardAddress(ctx)
	if err != nil {
		return service, err
	}
	for _, address := range []string{told.address, page} {
		service.Ports = service.Ports || address != ""
		service.LowPorts = service.LowPorts || lowPort(address)
	}
	service.Kept = keptSockets
	if ctx.Bool(optSocketUnits) {
		service.Kept = 0
		service.Sockets = socketUnits(ctx, where.targets(found.workers), options)
		service.LowPorts = false
	}
	number := ctx.Args().First()
	if inFile := lineOf(ctx).workers != nil && os.Getenv(webConcurrency) == ""; number == "" && !inFile {
		number = strconv.Itoa(found.workers)
	}
	return service, writeCommands(ctx, &service, config.Ruby, number)
}

// readAbout reads as whom it runs, and for which systemd the unit is.
func readAbout(ctx *cli.Context, service *systemd.Service) (err error) {
	if service.User, err = serviceUser(ctx, service.Root); err != nil {
		return err
	}
	if name, group, given := strings.Cut(service.User, ":"); given {
		service.User, service.Group = name, group
	}
	service.Version, err = systemdVersion(ctx)
	return err
}

func lowPort(address string) bool {
	_, port, _ := net.SplitHostPort(address)
	number, err := strconv.Atoi(port)
	return err == nil && number > 0 && number < 1024
}

// socketUnits are the sockets of the slots at their places, and those of --http.
func socketUnits(ctx *cli.Context, places []string, options httpOptions) (units []systemd.Socket) {
	socket := systemd.Socket{Mode: ctx.String(optSocketMode), Group: ctx.String(optSocketGroup)}
	for slot, place := range places {
		socket.Name, socket.Address = fmt.Sprintf("slot-%d", slot), place
		socket.Unit = socket.Name
		units = append(units, socket)
	}
	for i, address := range options.addresses {
		socket.Unit, socket.Name, socket.Address = "http", "http", address.address
		if i > 0 {
			socket.Unit = fmt.Sprintf("http-%d", i)
		}
		units = append(units, socket)
	}
	return units
}

// writeCommands writes the launcher's command line, with all its options, and the one that restarts it.
func writeCommands(ctx *cli.Context, service *systemd.Service, ruby, number string) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	place := []string{"--root", service.Root}
	line := lineOf(ctx)
	if file := line.said(optConfig); file == noFile {
		place = append(place, "--"+optConfig, file)
	} else if file != "" {
		place = append(place, "--"+optConfig, line.filename)
	}
	if !line.inFile(optSocketDir) { // which all commands read
		place = append(place, "--socket-dir", service.SocketDir)
	}
	service.Restart = append([]string{program, "restart"}, place...)
	service.Command = append([]string{program}, place...)
	for _, flag := range runFlags() {
		name := flag.Names()[0]
		if !ctx.IsSet(name) || slices.Contains([]string{optRoot, optConfig, optSocketDir, optUser, optGroup, optRuby, optEnvironment}, name) {
			continue
		}
		_, known := line.file.Find(name)
		for _, value := range optionValues(ctx, flag) {
			if value, err = placed(service, name, value); err != nil {
				return err
			}
			switch {
			case line.inFile(name): // it stays there, so that it may change
			case takesValue(flag):
				service.Command = append(service.Command, "--"+name, value)
			case value == "true":
				service.Command = append(service.Command, "--"+name)
			case known && name != optKeepSockets: // which says otherwise
				service.Command = append(service.Command, "--"+name+"="+value)
			}
		}
	}
	shareTmp(service, service.Root)
	shareTmp(service, service.SocketDir)
	if service.Kept > 0 && !ctx.Bool(optKeepSockets) {
		service.Command = append(service.Command, "--"+optKeepSockets)
	}
	service.Command = append(service.Command, ofThisShell(ctx, ruby)...)
	if number != "" {
		service.Command = append(service.Command, number)
	}
	return nil
}

// keptSockets is as many as a launcher can have, and some for HTTP.
const keptSockets = ident.MaxWorkers + 16

// servicePath is where systemd looks for programs.
var servicePath = []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}

// ofThisShell are the options for what a service would not find in its environment.
func ofThisShell(ctx *cli.Context, ruby string) (options []string) {
	line := lineOf(ctx)
	if ctx.IsSet(optRuby) && !line.inFile(optRuby) || !filepath.IsAbs(ctx.String(optRuby)) && !slices.Contains(servicePath, filepath.Dir(ruby)) {
		options = append(options, "--"+optRuby, ruby)
	}
	_, inFile := line.file.Find(optEnvironment) // which the service would take
	if env := readEnvironment(ctx); !line.inFile(optEnvironment) && (inFile || env != environmentOf("", "", "")) {
		options = append(options, "--"+optEnvironment, env.rails)
	}
	return options
}

// pathOptions are those whose values are paths by the current folder, which a service has not, or by the root.
var (
	pathOptions     = []string{optRecord, optLogFile, optAccessLog, optTLSCert, optTLSKey, optPidFile, optDashboardToken}
	rootPathOptions = []string{optLogFile, optPidFile}
)

// placed returns the value of an option with its paths where a launcher has them that is started here.
func placed(service *systemd.Service, name, value string) (string, error) {
	place := func(path string) (string, error) {
		if slices.Contains(rootPathOptions, name) {
			path = belowRoot(service.Root, path)
		}
		path, err := absolute(path)
		shareTmp(service, path)
		return path, err
	}
	switch {
	case name == optHTTP:
		return withUnixPaths(value, place)
	case slices.Contains(pathOptions, name) && value != "-":
		return place(value)
	}
	return value, nil
}

// shareTmp has the service see files in /tmp, if a path is there.
func shareTmp(service *systemd.Service, path string) {
	service.SharedTmp = service.SharedTmp || systemd.InFolder(path, "/tmp") || systemd.InFolder(path, "/var/tmp")
}

func optionValues(ctx *cli.Context, flag cli.Flag) []string {
	if isRepeatable(flag) {
		return ctx.StringSlice(flag.Names()[0])
	}
	return []string{fmt.Sprint(ctx.Value(flag.Names()[0]))}
}

// serviceUser returns the user that the options name, else the one who asks, else the owner of the application.
func serviceUser(ctx *cli.Context, root string) (string, error) {
	if name := ctx.String(optUser); name != "" {
		return name, nil
	}
	if ctx.Bool(optAllowRoot) {
		return "root", nil
	}
	uid := os.Geteuid()
	if info, err := os.Stat(root); err == nil && uid == 0 {
		uid = int(info.Sys().(*syscall.Stat_t).Uid)
	}
	if uid == 0 {
		return "", usageErrorf("--user www-data", "read --%s: it is missing, and the application's folder is root's", optUser)
	}
	found, err := user.LookupId(strconv.Itoa(uid))
	if err != nil {
		return strconv.Itoa(uid), nil // a number names a user too
	}
	return found.Username, nil
}

// systemdVersion returns the version that the user names, else the installed one, else an old one.
func systemdVersion(ctx *cli.Context) (int, error) {
	if ctx.IsSet(optSystemdVersion) {
		version := ctx.Int(optSystemdVersion)
		if version < 1 {
			return 0, usageErrorf("--systemd-version 252", "read --%s: %d is no version", optSystemdVersion, version)
		}
		return version, nil
	}
	bounded, cancel := context.WithTimeout(ctx.Context, serverTimeout)
	defer cancel()
	output, err := exec.CommandContext(bounded, "systemctl", "--version").Output()
	if err != nil {
		return oldestSystemd, nil // it may be written for another machine
	}
	words := strings.Fields(string(output))
	if len(words) < 2 {
		return oldestSystemd, nil
	}
	version, err := strconv.Atoi(words[1])
	if err != nil {
		return oldestSystemd, nil // likewise
	}
	return version, nil
}
