//go:build linux

package cli

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"launcher/fcgi/front"
	"launcher/preforker/smallfile"
)

// httpFlags say how the launcher serves HTTP itself.
func httpFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: optHTTP, EnvVars: env(optHTTP),
			Usage: "serve HTTP at `ADDRESS`, with no web server: 127.0.0.1:3000, unix:PATH, or http://0.0.0.0:80 beside --tls-cert; may be repeated, " +
				"or several with commas between", DefaultText: "off"},
		&cli.StringFlag{Name: optTLSCert, EnvVars: env(optTLSCert),
			Usage: "`FILE` (PEM) of the certificate and its chain, with which the TCP addresses of --http speak TLS; read again at HUP", DefaultText: "none"},
		&cli.StringFlag{Name: optTLSKey, EnvVars: env(optTLSKey), Usage: "`FILE` (PEM) of the certificate's key", DefaultText: "that of --tls-cert"},
		&cli.StringFlag{Name: optMaxBody, EnvVars: env(optMaxBody), Value: "256MB",
			Usage: "`SIZE` of the largest request body that --http takes (413 beyond it); four times as much of all together"},
		&cli.DurationFlag{Name: optQueueTimeout, EnvVars: env(optQueueTimeout), Value: time.Minute,
			Usage: "`TIME` that a request to --http may wait for a worker (503 beyond it)"},
		&cli.StringSliceFlag{Name: optTrustedProxy, EnvVars: env(optTrustedProxy),
			Usage: "`ADDRESS` or network of a proxy in front of --http whose X-Forwarded-For and the like reach the application; " +
				"private: the private networks, none: nobody; may be repeated, or several with commas between", DefaultText: "127.0.0.0/8 and ::1"},
		&cli.StringFlag{Name: optAccessLog, EnvVars: env(optAccessLog),
			Usage: "append a line for each request to --http to `FILE`, in the combined format or as JSON (--log-format); -: standard output; opened anew at USR1 and HUP", DefaultText: "off"},
	}
}

// onlyWithHTTP are the options that say nothing to a web server.
var onlyWithHTTP = []string{optTLSCert, optTLSKey, optMaxBody, optQueueTimeout, optTrustedProxy, optAccessLog}

// httpOptions is how HTTP is served.
type httpOptions struct {
	addresses    []httpAddress // none: it is not
	certificate  *front.Certificate
	maxBody      int64
	queueTimeout time.Duration
	proxies      []netip.Prefix
	accessLog    string
	logJSON      bool
}

func readHTTP(ctx *cli.Context) (httpOptions, error) {
	options := httpOptions{queueTimeout: ctx.Duration(optQueueTimeout), accessLog: ctx.String(optAccessLog), logJSON: ctx.String(optLogFormat) == formatJSON}
	err := readers{
		func() error { return positive(ctx, optQueueTimeout) },
		func() (err error) { options.maxBody, err = maxBody(ctx.String(optMaxBody)); return err },
		func() (err error) {
			options.proxies, err = trustedProxies(ctx.StringSlice(optTrustedProxy))
			return err
		},
		func() error { return options.readTLS(ctx) },
		func() (err error) {
			if options.accessLog != "" && options.accessLog != "-" {
				options.accessLog, err = absolute(options.accessLog)
			}
			return err
		},
	}.all()
	return options, err
}

func maxBody(text string) (int64, error) {
	size, ok := parseSize(text)
	if !ok || size == 0 {
		return 0, usageErrorf("--max-body 256MB", "read --%s: %q is not a size such as 256MB or 1.5G", optMaxBody, text)
	}
	return int64(size), nil
}

// readTLS reads the certificate, and the addresses, of which some or all speak TLS by it.
func (o *httpOptions) readTLS(ctx *cli.Context) error {
	var broken error
	o.certificate, broken = certificate(ctx.String(optTLSCert), ctx.String(optTLSKey))
	named := o.certificate != nil || broken != nil
	err := each(listed(ctx.StringSlice(optHTTP)), func(text string) error {
		address, err := readHTTPAddress(text, named)
		if err != nil {
			return err
		}
		if slices.Contains(o.addresses, address) && !strings.HasSuffix(address.address, ":0") {
			return usageErrorf("name each address once", "read --%s: %q comes twice", optHTTP, text)
		}
		o.addresses = append(o.addresses, address)
		return nil
	})
	if err == nil && broken == nil && named && len(o.addresses) > 0 && !o.secure() {
		err = usageErrorf("--http 0.0.0.0:443", "read --%s: no address of --%s speaks TLS", optTLSCert, optHTTP)
	}
	return readers{func() error { return broken }, func() error { return err }}.all()
}

// secure tells whether some address speaks TLS.
func (o httpOptions) secure() bool {
	for _, address := range o.addresses {
		if address.tls {
			return true
		}
	}
	return false
}

// listed takes lists with commas between apart.
func listed(lists []string) (items []string) {
	for _, list := range lists {
		for item := range strings.SplitSeq(list, ",") {
			if item = strings.TrimSpace(item); item != "" {
				items = append(items, item)
			}
		}
	}
	return items
}

// httpAddress is where HTTP is served.
type httpAddress struct {
	network, address string // tcp or unix
	tls              bool
}

const unixPrefix = "unix:"

func isUnix(address string) bool { return strings.HasPrefix(address, unixPrefix) }

// readHTTPAddress reads an address and its port, with http:// or https:// before them, or unix: and a path. With a
// certificate an address that says neither speaks TLS.
func readHTTPAddress(text string, certificate bool) (httpAddress, error) {
	if path, found := strings.CutPrefix(text, unixPrefix); found {
		if path == "" {
			return httpAddress{}, usageErrorf("--http unix:/run/shop/http.socket", "read --%s: %q names no path", optHTTP, text)
		}
		path, err := absolute(path)
		return httpAddress{network: "unix", address: path}, err
	}
	read := httpAddress{network: "tcp", address: text, tls: certificate}
	if scheme, rest, found := strings.Cut(text, "://"); found {
		read.address, read.tls = strings.TrimSuffix(rest, "/"), scheme == "https"
		if scheme != "http" && scheme != "https" {
			return read, usageErrorf("--http 127.0.0.1:3000", "read --%s: %q begins with neither http:// nor https://", optHTTP, text)
		}
	}
	if read.tls && !certificate {
		return read, usageErrorf("name it with --tls-cert and --tls-key", "read --%s: %q needs a certificate", optHTTP, text)
	}
	_, port, err := net.SplitHostPort(read.address)
	if err != nil || port == "" {
		return read, usageErrorf("--http 127.0.0.1:3000", "read --%s: %q is not an address with a port", optHTTP, text)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return read, usageErrorf("--http 127.0.0.1:3000", "read --%s: %q is not a port from 0 to 65535", optHTTP, port)
	}
	return read, nil
}

// withUnixPaths returns a list of addresses with the paths of unix sockets at their places.
func withUnixPaths(list string, place func(path string) (string, error)) (string, error) {
	addresses := listed([]string{list})
	for i, address := range addresses {
		path, unix := strings.CutPrefix(address, unixPrefix)
		if !unix {
			continue
		}
		path, err := place(path)
		if err != nil {
			return "", err
		}
		addresses[i] = unixPrefix + path
	}
	return strings.Join(addresses, ","), nil
}

// url is the address as a browser takes it, or curl that of a unix socket; bound is where it listens.
func (a httpAddress) url(bound net.Addr) string {
	switch {
	case a.network == "unix":
		return unixPrefix + a.address
	case a.tls:
		return "https://" + bound.String()
	}
	return "http://" + bound.String()
}

// certificate reads the certificate that the options name, nil where they name none.
func certificate(certFile, keyFile string) (*front.Certificate, error) {
	if certFile == "" {
		if keyFile != "" {
			return nil, usageErrorf("name the certificate too, with --tls-cert", "read --%s: there is no --%s", optTLSKey, optTLSCert)
		}
		return nil, nil
	}
	try := "give the certificate with its chain as PEM, and the key that belongs to it"
	if keyFile == "" {
		try = "name the file of its key with --tls-key, or have both in one file, as PEM"
	}
	type file struct {
		option string
		path   *string
	}
	files := []file{{optTLSCert, &certFile}}
	if keyFile != "" {
		files = append(files, file{optTLSKey, &keyFile})
	}
	err := each(files, func(named file) (err error) {
		if *named.path, err = absolute(*named.path); err == nil {
			_, err = readPEM(*named.path)
		}
		switch {
		case errors.Is(err, smallfile.ErrNotFile):
			return usageErrorf("name a regular file: it is read again at each HUP", "read --%s: %w", named.option, err)
		case err != nil:
			return usageErrorf("check the path and who may read it", "read --%s: %w", named.option, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	loaded, err := front.LoadCertificate(certFile, cmp.Or(keyFile, certFile), readPEM)
	if err != nil {
		return nil, usageErrorf(try, "read --%s: %w", optTLSCert, err)
	}
	return loaded, nil
}

// maxPEM is more than any chain with its key has.
const maxPEM = 1 << 20

func readPEM(path string) ([]byte, error) { return smallfile.ReadNamed(path, maxPEM) }

// trustedProxies reads addresses and networks, nil for the default.
func trustedProxies(named []string) ([]netip.Prefix, error) {
	items := listed(named)
	if len(items) == 0 {
		return nil, nil
	}
	prefixes := []netip.Prefix{} // none is a choice
	err := each(items, func(item string) error {
		switch item {
		case "none":
			return nil
		case "private":
			for _, network := range []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"} {
				prefixes = append(prefixes, netip.MustParsePrefix(network))
			}
			prefixes = append(prefixes, front.Loopback()...)
			return nil
		}
		prefix, err := netip.ParsePrefix(item)
		if address, bad := netip.ParseAddr(item); err != nil && bad == nil {
			prefix, err = address.Unmap().Prefix(address.Unmap().BitLen())
		}
		if err != nil {
			return usageErrorf("--trusted-proxy 10.0.0.0/8", "read --%s: %q is neither an address nor a network, nor private, nor none", optTrustedProxy, item)
		}
		prefixes = append(prefixes, prefix.Masked())
		return nil
	})
	return prefixes, err
}

// linkDirs are the folders outside of public/ that links in it may lead to: those that the user names, what
// releases share where a deploy tool keeps them apart, and what packages of the system have installed.
func linkDirs(root string, named []string) []string {
	var dirs []string
	if len(namedDirs(named)) > 0 {
		dirs = sendfileDirs(root, named)
	}
	if resolved, err := filepath.EvalSymlinks(root); err == nil {
		if releases := filepath.Dir(resolved); filepath.Base(releases) == "releases" {
			dirs = append(dirs, filepath.Join(filepath.Dir(releases), "shared", "public"))
		}
	}
	return append(dirs, "/usr/share")
}

// expiry is a warning of a certificate that is not valid any more, "" where it is.
func expiry(certificate *front.Certificate, now time.Time) string {
	if certificate == nil || now.Before(certificate.Expires()) {
		return ""
	}
	return fmt.Sprintf("the certificate of --%s has expired: %s", optTLSCert, certificate.Expires().Format(time.DateTime))
}
