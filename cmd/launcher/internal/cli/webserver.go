//go:build linux

package cli

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"launcher/cmd/launcher/internal/webserver"
	"launcher/cmd/launcher/internal/webserver/apache"
	"launcher/cmd/launcher/internal/webserver/caddy"
	"launcher/cmd/launcher/internal/webserver/haproxy"
	"launcher/cmd/launcher/internal/webserver/nginx"
	"launcher/lighttpd"
)

// serverTimeout bounds a run of a web server that prints its version or checks a file.
const serverTimeout = 20 * time.Second

// defaultServer is the web server whose configuration "launcher NUM" prints.
const defaultServer = "lighttpd"

// namedServer is a web server that configuration is written for, by the name that a user types.
type namedServer struct {
	webserver.Server
	name string
}

func webServers() []namedServer {
	return []namedServer{{lighttpdServer{}, defaultServer}, {nginx.New(), "nginx"}, {haproxy.New(), "haproxy"}, {apache.New(), "apache"}, {caddy.New(), "caddy"}}
}

func serverNames() (names []string) {
	for _, server := range webServers() {
		names = append(names, server.name)
	}
	return names
}

// webServer reads the name of a web server.
func webServer(name string) (namedServer, error) {
	servers := webServers()
	i := slices.IndexFunc(servers, func(server namedServer) bool { return server.name == name })
	if i < 0 {
		names := serverNames()
		try := "--" + optServer + " " + names[1]
		if near := nearest(name, names); near != "" {
			try = "--" + optServer + " " + near
		}
		return namedServer{}, usageErrorf(try, "read --%s: there is no configuration for %q, but for %s", optServer, name, strings.Join(names, ", "))
	}
	return servers[i], nil
}

// version returns the version that the user names, else the one installed, else an old one, since the web server may run
// on another machine.
func (s namedServer) version(ctx context.Context, command, named string) (webserver.Version, error) {
	if named != "" {
		version, err := s.ParseVersion(named)
		if err != nil {
			return version, usageErrorf(fmt.Sprintf("--%s %s", optServerVersion, s.DefaultVersion()), "read --%s: %v", optServerVersion, err)
		}
		return version, nil
	}
	bounded, cancel := context.WithTimeout(ctx, serverTimeout)
	defer cancel()
	version, err := s.Find(bounded, command)
	if errors.Is(err, exec.ErrNotFound) && command == "" {
		return s.DefaultVersion(), nil
	}
	return version, err
}

// webserver returns the site as the configurations of web servers have it, with workers at some places.
func (s site) webserver(places []string) (webserver.Site, error) {
	described := webserver.Site{Root: s.app.Root, Public: lighttpd.FindPublic(s.app.Root), Prefix: s.app.URLPrefix,
		Sendfile: withResolved(s.sendfileDirs), Buffered: s.buffered}
	for _, place := range places {
		address, err := webserver.ParseAddress(place)
		if err != nil {
			return described, err
		}
		described.Backends = append(described.Backends, address)
	}
	return described, nil
}

// withResolved adds the names of folders without links: web servers compare names, and an application may send
// either. Rails knows its root by the resolved one.
func withResolved(dirs []string) (all []string) {
	for _, dir := range dirs {
		dir = filepath.Clean(dir)
		resolved, err := filepath.EvalSymlinks(dir)
		if err != nil { // it is not there yet
			resolved = dir
			if parent, err := filepath.EvalSymlinks(filepath.Dir(dir)); err == nil {
				resolved = filepath.Join(parent, filepath.Base(dir))
			}
		}
		for _, name := range []string{dir, resolved} {
			if !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all
}
