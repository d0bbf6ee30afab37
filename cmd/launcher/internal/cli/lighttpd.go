//go:build linux

package cli

import (
	"context"

	"github.com/urfave/cli/v2"

	"launcher/cmd/launcher/internal/webserver"
	"launcher/lighttpd"
)

// snippetName is the file beside the sockets that lighttpd can include.
const snippetName = "lighttpd.conf"

func bufferedFlag() cli.Flag {
	return &cli.BoolFlag{Name: optBuffered, EnvVars: env(optBuffered),
		Usage: "have lighttpd collect each response before it sends it, but event streams: mod_deflate compresses only what is complete"}
}

// lighttpdServer is lighttpd as one of several web servers: package lighttpd imports nothing of this module.
type lighttpdServer struct{}

func (lighttpdServer) Find(ctx context.Context, command string) (webserver.Version, error) {
	version, err := lighttpd.Find(ctx, command)
	return webserver.Version(version), err
}

func (lighttpdServer) ParseVersion(text string) (webserver.Version, error) {
	version, err := lighttpd.ParseVersion(text)
	return webserver.Version(version), err
}

func (lighttpdServer) DefaultVersion() webserver.Version {
	return webserver.Version(lighttpd.DefaultVersion())
}

func (lighttpdServer) Snippet(at webserver.Site, version webserver.Version) (webserver.Config, error) {
	text, err := lighttpd.Snippet(lighttpdSite(at), lighttpd.Version(version))
	return lighttpdConfig(text, version), err
}

func (lighttpdServer) Full(at webserver.Site, version webserver.Version, listener webserver.Listener) (webserver.Config, error) {
	text, err := lighttpd.Full(lighttpdSite(at), lighttpd.Version(version),
		lighttpd.Server{Address: listener.Address, Port: listener.Port, UploadDir: listener.Temp})
	return lighttpdConfig(text, version), err
}

func (lighttpdServer) Check(ctx context.Context, command string, config webserver.Config) error {
	return lighttpd.Check(ctx, command, config.Text)
}

func lighttpdConfig(text string, version webserver.Version) webserver.Config {
	return webserver.Config{Text: text, Warnings: lighttpd.Warnings(lighttpd.Version(version)), Test: func(string) string { return text }}
}

// lighttpdSite returns the site as package lighttpd has it.
func lighttpdSite(at webserver.Site) lighttpd.Site {
	site := lighttpd.Site{Root: at.Root, Public: at.Public, Prefix: at.Prefix, Sendfile: at.Sendfile, Buffered: at.Buffered}
	for _, address := range at.Backends {
		site.Sockets = append(site.Sockets, address.String())
	}
	return site
}
