package systemd

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// NotifyReload is the first version of systemd that knows Type=notify-reload.
const NotifyReload = 253

// Instance stands for the name of an application in the units of a template.
const Instance = "%i"

// Service is a launcher as a service.
type Service struct {
	Name      string // of the unit, without .service; of a template it ends with @
	Version   int    // of the systemd that it is for
	User      string
	Group     string // "": the user's
	Root      string // of the application
	SocketDir string
	Command   []string // the launcher with its options
	Restart   []string // the launcher's command that loads a new release and waits
	Boot      time.Duration
	Drain     time.Duration
	Ports     bool     // it listens at addresses of TCP, which may come up late
	LowPorts  bool     // below 1024
	Sockets   []Socket // that systemd binds; none: the launcher does
	SharedTmp bool     // files that it names are in /tmp
	Kept      int      // sockets that systemd keeps between two launchers; 0: none

	Environment []string // variables with their values
	Files       []string // of variables, which need not be there; a later one comes before an earlier one
}

// Template returns a service for each of any number of applications: launcher@shop is that of /srv/shop.
func Template(name string) Service {
	return Service{Name: name + "@", User: Instance, Root: "/srv/" + Instance, SocketDir: "/run/" + name + "/" + Instance,
		Files: []string{"/etc/default/" + name, "/etc/" + name + "/" + Instance + ".conf"}}
}

func (s Service) isTemplate() bool { return strings.HasSuffix(s.Name, "@") }

// Socket is one that systemd binds for a service.
type Socket struct {
	Unit    string // what its unit is called behind the service's name
	Name    string // of the descriptor, as the launcher knows it
	Address string // a path, or an address of TCP with a port
	Mode    string // of a path
	Group   string // of a path; "": the user's
}

// Unit is a file for a folder of units.
type Unit struct {
	Name string
	Text string
}

const (
	watchdogSec = 30
	// openFiles is room for 1024 workers, and for as many connections as the launcher's own front has.
	openFiles = 65536
)

// Units are the service and its sockets.
func (s Service) Units() []Unit {
	units := []Unit{{s.Name + ".service", s.text()}}
	for _, socket := range s.Sockets {
		units = append(units, Unit{s.socketUnit(socket), s.socketText(socket)})
	}
	return units
}

func (s Service) text() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	if s.isTemplate() {
		line("[Unit]\nDescription=%s, a web application\nDocumentation=man:launcher(1)", escape(Instance))
	} else {
		line("[Unit]\nDescription=%s, a web application", escape(s.Name))
	}
	if s.Ports {
		line("Wants=network-online.target\nAfter=network-online.target")
	} else {
		line("After=network.target")
	}
	s.writeService(line)
	line("\n[Install]\nWantedBy=multi-user.target")
	if s.isTemplate() {
		return strings.ReplaceAll(b.String(), escape(Instance), Instance)
	}
	return b.String()
}

func (s Service) writeService(line func(format string, args ...any)) {
	line("\n[Service]")
	if s.Version >= NotifyReload {
		line("Type=notify-reload")
	} else {
		line("Type=notify\nExecReload=%s", commandLine(s.Restart))
	}
	line("User=%s", escape(s.User))
	if s.Group != "" {
		line("Group=%s", escape(s.Group))
	}
	if s.isTemplate() {
		s.writeSettings(line)
	} else {
		line("WorkingDirectory=%s", escape(s.Root))
	}
	line("ExecStart=%s", commandLine(s.Command))
	for _, socket := range s.Sockets {
		line("Sockets=%s", s.socketUnit(socket))
	}
	if name, found := strings.CutPrefix(s.SocketDir, "/run/"); found {
		line("RuntimeDirectory=%s\n# The web server's configuration is there, which it may include.\nRuntimeDirectoryPreserve=yes", escape(name))
	}
	line("\n# The launcher alone is told to stop: it knows in which order its processes leave.\nKillMode=mixed")
	line("TimeoutStartSec=%d\nTimeoutStopSec=%d\nWatchdogSec=%d", seconds(s.Boot+extendBy), seconds(s.Drain+stopReserve), watchdogSec)
	if s.Kept > 0 {
		line("# Whoever connects while the service restarts, with a new launcher too, waits for it.\nFileDescriptorStoreMax=%d", s.Kept)
	}
	line("Restart=on-failure\n# A mistake in the command line does not go away by itself.\nRestartPreventExitStatus=2")
	line("\n# Where memory runs out the kernel ends a worker, and the launcher forks another one.\nOOMPolicy=continue")
	line("# Workers are replaced before they need more than there is:\n#MemoryMax=2G")
	line("LimitNOFILE=%d\n# A new release loads with a low priority beside the workers that serve.\nLimitNICE=+0", openFiles)
	if s.LowPorts {
		line("AmbientCapabilities=CAP_NET_BIND_SERVICE")
	}
	line("\nProtectSystem=full\nProtectControlGroups=true")
	if s.writesToSystem() {
		line("ReadWritePaths=%s", quote(s.Root))
	}
	if !s.SharedTmp {
		line("PrivateTmp=true")
	}
	line("# Where the application needs neither sudo nor the sendmail command:\n#NoNewPrivileges=true")
}

// writeSettings writes where the settings of each application are, and what holds where they say nothing.
func (s Service) writeSettings(line func(format string, args ...any)) {
	line("# Each option is a variable (launcher --help). What stands further down comes first.")
	for _, variable := range s.Environment {
		line("Environment=%s", quote(variable))
	}
	for _, file := range s.Files {
		line("EnvironmentFile=-%s", escape(file))
	}
	line("# Where LAUNCHER_ROOT is another folder this one need not be there.\nWorkingDirectory=-%s", escape(s.Root))
}

// writesToSystem says whether the application's folder is one that ProtectSystem=full makes read-only.
func (s Service) writesToSystem() bool {
	for _, dir := range []string{"/usr", "/etc", "/boot", "/efi"} {
		if InFolder(s.Root, dir) {
			return true
		}
	}
	return false
}

// InFolder says whether a path is that of a folder or below it.
func InFolder(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}

func (s Service) socketUnit(socket Socket) string { return s.Name + "-" + socket.Unit + ".socket" }

func (s Service) socketText(socket Socket) string {
	text := fmt.Sprintf("[Unit]\nDescription=%s of %s\n\n[Socket]\nListenStream=%s\nFileDescriptorName=%s\nService=%s.service\n",
		socket.Unit, escape(s.Name), escape(socket.Address), socket.Name, s.Name)
	if filepath.IsAbs(socket.Address) {
		text += fmt.Sprintf("SocketUser=%s\nSocketMode=%s\n", escape(s.User), socket.Mode)
		if socket.Group != "" {
			text += fmt.Sprintf("SocketGroup=%s\n", escape(socket.Group))
		}
	} else {
		text += "NoDelay=true\n"
	}
	return text + "\n[Install]\nWantedBy=sockets.target\n"
}

func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// escape has a text taken as it is where a value stands for itself.
func escape(text string) string { return strings.ReplaceAll(text, "%", "%%") }

// quote is escape for a word of a list.
func quote(word string) string {
	word = escape(word)
	if word != "" && !strings.ContainsAny(word, " \t\n\"'\\;") {
		return word
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(word) + `"`
}

// commandLine is a command as ExecStart= has it: no variables are in it.
func commandLine(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = quote(strings.ReplaceAll(word, "$", "$$"))
	}
	return strings.Join(quoted, " ")
}
