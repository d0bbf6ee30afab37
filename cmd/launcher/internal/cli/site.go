//go:build linux

package cli

import (
	"cmp"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"regexp"
	"strings"

	"launcher/preforker/ruby"

	"github.com/urfave/cli/v2"
)

// site is where an application and its sockets are.
type site struct {
	app          ruby.App
	socketDir    string
	listen       netip.AddrPort // of the first worker; invalid: they have unix sockets in the folder
	sendfileDirs []string       // absolute; the application may have files below them sent by X-Sendfile
	buffered     bool           // lighttpd collects each response before it sends it
}

// readSite reads the options that say where.
func readSite(ctx *cli.Context) (s site, err error) {
	var prefix string
	err = readers{
		func() (err error) { s.app, err = findApp(ctx); return err },
		func() (err error) { prefix, err = urlPrefix(ctx.String(optURLPrefix)); return err },
		func() (err error) { s.socketDir, err = statusDir(s.app.Root, ctx.String(optSocketDir)); return err },
		func() (err error) {
			if text := ctx.String(optListen); text != "" {
				s.listen, err = listenAddress(ctx.Context, text)
			}
			return err
		},
	}.all()
	s.app.URLPrefix, s.buffered = prefix, ctx.Bool(optBuffered)
	s.sendfileDirs = sendfileDirs(s.app.Root, ctx.StringSlice(optSendfileDir))
	return s, err
}

// findApp returns the application that the options name, else the one in the current folder.
func findApp(ctx *cli.Context) (ruby.App, error) {
	root, err := absolute(cmp.Or(ctx.String(optRoot), "."))
	if err != nil {
		return ruby.App{}, err
	}
	rackup := ctx.String(optRackup)
	var app ruby.App
	if rackup != "" {
		app, err = ruby.FindRackup(root, rackup)
	} else {
		app, err = ruby.FindApp(root)
	}
	switch {
	case err == nil || errors.Is(err, fs.ErrPermission):
		return app, err
	case rackup != "" || ctx.String(optRoot) != "" && !isFolder(root):
		return app, usageError{err} // what an option names is not there
	default:
		return app, err
	}
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// urlPath matches paths that web servers' configurations and SCRIPT_NAME have in the same form.
var urlPath = regexp.MustCompile(`^(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$`)

// urlPrefix returns "" for a mount at the root, else a path without a slash at its end.
func urlPrefix(text string) (string, error) {
	prefix := strings.TrimRight(text, "/")
	if prefix == "" {
		return "", nil
	}
	if !urlPath.MatchString(prefix) {
		return "", usageErrorf("--url-prefix /shop", "read --%s: %q is not a URL path", optURLPrefix, text)
	}
	return prefix, nil
}
