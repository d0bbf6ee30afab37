//go:build linux

package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"launcher/fcgi/front"
	"launcher/lighttpd"
	"launcher/preforker"
	"launcher/preforker/control"
	"launcher/preforker/hint"
	"launcher/preforker/linux"
	"launcher/preforker/sockets"
)

const (
	// A connection takes a second descriptor where it is sent a file or has sent a body that is
	// spooled, and a third where it is slow to read the response to that; each worker one for its request.
	descriptorsPerConnection = 3
	minFrontConnections      = 16
	// maxFrontConnections bounds the memory of the front: a connection takes up to 100 kB.
	maxFrontConnections = 2048
)

// frontConnections is how many connections the front may have at once. The supervisor is in the same process, and
// what clients do must not take the descriptors from it that it needs for the workers.
func frontConnections(workers int) (int, error) {
	spare, err := preforker.SpareDescriptors(workers)
	if err != nil {
		return 0, err
	}
	connections := min((spare-workers)/descriptorsPerConnection, maxFrontConnections)
	if connections < minFrontConnections {
		missing := (minFrontConnections - connections) * descriptorsPerConnection
		return 0, hint.Errorf(fmt.Sprintf("raise it by %d (ulimit -n, or LimitNOFILE= in a systemd unit), or run fewer workers", missing),
			"serve HTTP beside %s: the limit of open files leaves no room for connections", counted(workers, "worker", "workers"))
	}
	return connections, nil
}

// httpListener is where --http listens, with the front that serves there.
type httpListener struct {
	log         *slog.Logger
	listener    *front.Listener
	handler     *front.Handler
	urls        []string // of its addresses
	certificate *front.Certificate
	accessLog   *front.AccessLog
	files       []sockets.Bound // its unix sockets
	as          *account        // who is to own them
	targets     func(workers int) []string
	given       *givenSockets                                          // that this process was started with
	keeper      preforker.Keeper                                       // of its sockets; nil: nobody is
	bound       []net.Listener                                         // of its addresses
	others      map[net.Listener]bool                                  // of them, that somebody else has bound
	kept        map[net.Listener]bool                                  // of them, by the launcher before this one
	emptied     []*sockets.Emptied                                     // of them, at the end
	inherited   bool                                                   // by the launcher that follows
	copies      []copied                                               // that it gets, of sockets that nobody else keeps
	secured     map[net.Listener]bool                                  // of the addresses, that speak TLS
	passedLimit func(slot int, began time.Time) (passed, timeout bool) // of the supervisor, before there are requests
}

// Status is what launcher status tells of it.
func (l *httpListener) Status() *control.FrontStatus {
	open, max := l.listener.Connections()
	address := l.urls[0]
	if _, rest, found := strings.Cut(address, "://"); found {
		address = rest
	}
	counts := l.listener.Counters().Counts()
	status := &control.FrontStatus{Address: address, URLs: l.urls, Connections: open, MaxConnections: max, Waiting: l.Waiting(),
		Accepted: counts.Accepted, Evicted: counts.Evicted, Handshakes: counts.Handshakes, Unanswered: map[string]uint64{}}
	for _, refused := range counts.Refused {
		status.Refused = append(status.Refused, control.RefusedStatus(refused))
	}
	for _, unanswered := range counts.Unanswered {
		status.Unanswered[unanswered.Reason] = unanswered.Count
	}
	return status
}

// Waiting implements preforker.Front.
func (l *httpListener) Waiting() int {
	_, waiting := l.handler.Load()
	return waiting
}

// CheckSlots implements preforker.Front: so many workers leave room for connections.
func (l *httpListener) CheckSlots(slots int) error {
	_, err := frontConnections(slots)
	return err
}

// SetSlots implements preforker.Front.
func (l *httpListener) SetSlots(slots int) {
	if connections, err := frontConnections(slots); err == nil {
		l.listener.SetMax(connections)
	}
	l.handler.SetSockets(l.targets(slots))
}

// Park implements preforker.Front.
func (l *httpListener) Park(slot int, parked bool) { l.handler.Park(slot, parked) }

// Renew implements preforker.Front.
func (l *httpListener) Renew(slot int) { l.handler.Renew(slot) }

// home is the application's address for a browser, as far as one can get there.
func (l *httpListener) home(prefix string) string {
	for _, url := range l.urls {
		if !isUnix(url) {
			return url + prefix + "/"
		}
	}
	return l.urls[0]
}

// listenHTTP listens, so that a port in use is an error before anything is started. It
// is nil where the user wants none.
func listenHTTP(ctx *cli.Context, where site, config preforker.Config, as *account, given *givenSockets) (*httpListener, error) {
	options, err := readHTTP(ctx)
	if err != nil {
		return nil, err
	}
	options.addresses = append(options.addresses, given.bound(options.addresses)...)
	if len(options.addresses) == 0 {
		if given.closeRest() && config.Keeper != nil {
			config.Keeper.Drop(keptHTTP)
		}
		return nil, nil
	}
	connections, err := frontConnections(config.Workers)
	if err != nil {
		return nil, err
	}
	l := &httpListener{log: config.Log, certificate: options.certificate, targets: where.targets, as: as, given: given, keeper: config.Keeper, others: map[net.Listener]bool{}, kept: map[net.Listener]bool{}, secured: map[net.Listener]bool{}}
	joined, err := l.listen(options, linux.SocketOptions{Mode: config.SocketMode, Uid: config.SocketUser, Gid: config.SocketGroup})
	if err != nil {
		l.close()
		return nil, err
	}
	l.listener = front.NewListener(joined, connections, config.Log)
	if options.accessLog != "" {
		err := as.open(options.accessLog, func() (err error) {
			l.accessLog, err = front.OpenAccessLog(options.accessLog, options.logJSON, config.Log)
			return err
		})
		if err != nil {
			l.close()
			return nil, usageErrorf("name a file that may be written, or -", "read --%s: %w", optAccessLog, err)
		}
	}
	l.handler = front.New(front.Config{
		Sockets: where.targets(config.Workers), Public: lighttpd.FindPublic(where.app.Root), Prefix: where.app.URLPrefix,
		LinkDirs: linkDirs(where.app.Root, ctx.StringSlice(optSendfileDir)), SendfileDirs: where.sendfileDirs,
		TrustedProxies: options.proxies, AccessLog: l.accessLog, Log: config.Log, Counters: l.listener.Counters(),
		PassedLimit: func(slot int, began time.Time) (passed, timeout bool) { return l.passedLimit(slot, began) },
		WaitLimit:   options.queueTimeout, MaxBody: options.maxBody, MaxRequests: connections,
	})
	if err := l.handler.CheckSpool(); err != nil {
		config.Log.Warn("uploads without a length will be refused, and slow ones hold workers", keyError, err)
	}
	for _, err := range l.handler.CheckLinks() {
		config.Log.Warn("what a link leads to is not served", keyError, err)
	}
	if warning := expiry(options.certificate, time.Now()); warning != "" {
		config.Log.Warn(warning)
	}
	return l, nil
}

// listen binds every address.
func (l *httpListener) listen(options httpOptions, files linux.SocketOptions) (net.Listener, error) {
	var listeners []net.Listener
	failed := func(err error) (net.Listener, error) {
		for _, listener := range listeners {
			_ = listener.Close() // nobody has connected
		}
		try := another("choose another address with --http", err)
		if errors.Is(err, syscall.EACCES) {
			try = "let this user bind ports below 1024 (CAP_NET_BIND_SERVICE), and write to the folder of a socket, or " + try
		}
		return nil, hint.Errorf(try, "serve HTTP: %w", err)
	}
	for _, address := range options.addresses {
		listener, err := l.bind(address, files)
		if err != nil {
			return failed(err)
		}
		l.urls = append(l.urls, address.url(listener.Addr()))
		l.bound = append(l.bound, listener)
		l.secured[listener] = address.tls
		listener = l.emptiedAtEnd(listener)
		if address.tls {
			listener = front.WithTLS(listener, options.certificate)
		}
		listeners = append(listeners, listener)
	}
	l.keep()
	return front.Join(listeners...), nil
}

// emptiedAtEnd has those who wait at a socket at the end be served, where nobody else accepts them then.
func (l *httpListener) emptiedAtEnd(listener net.Listener) net.Listener {
	socket, is := listener.(sockets.Socket)
	if !is || l.keeper != nil || l.others[listener] {
		return listener
	}
	emptied := sockets.NewEmptied(socket, func() error { return l.hide(listener.Addr(), socket) })
	l.emptied = append(l.emptied, emptied)
	return emptied
}

// needsWorkers tells whether a worker has a request of the front, or may get one.
func (l *httpListener) needsWorkers() bool { return !l.listener.Quiet() || l.handler.NeedsWorkers() }

// hide has nobody new connect to a socket at an address. Where that cannot be had, who connects meanwhile is served for a while.
func (l *httpListener) hide(at net.Addr, socket syscall.Conn) (err error) {
	defer func() {
		if err != nil {
			l.log.Warn("an address of --http could not be closed to new connections", keyAddress, at.String(), keyError, err)
		}
	}()
	if at.Network() == "tcp" {
		return linux.HideTCP(socket)
	}
	for _, file := range l.files {
		file.File.Remove() // all of them end
	}
	return linux.HideUnix(socket) // there may be a link to it, or a mount in a container
}

// keep has the sockets kept for the next launcher, and no other ones.
func (l *httpListener) keep() {
	rest := l.given.closeRest()
	if l.keeper == nil {
		return
	}
	if rest {
		l.keeper.Drop(keptHTTP)
	}
	for _, listener := range l.bound {
		if socket, is := listener.(syscall.Conn); is && !l.others[listener] && (rest || !l.kept[listener]) {
			l.keeper.Keep(keptHTTP, socket)
		}
	}
}

// take returns the listener of a socket that is given.
func (l *httpListener) take(one *givenHTTP) (net.Listener, error) {
	listener, err := takeListener(one)
	if err == nil {
		l.others[listener], l.kept[listener] = !one.kept, one.kept
	}
	return listener, err
}

// takeListener returns the listener of a socket that is given.
func takeListener(one *givenHTTP) (net.Listener, error) {
	defer one.socket.Close() // FileListener makes its own
	if err := linux.Adopt(one.socket); err != nil {
		return nil, err
	}
	return net.FileListener(one.socket)
}

func (l *httpListener) bind(address httpAddress, options linux.SocketOptions) (net.Listener, error) {
	if one := l.given.takeHTTP(address); one != nil {
		if one.kept && address.network == "unix" { // the launcher before has made the file, and left it to this one
			if file, err := sockets.FileAt(address.address); err == nil {
				l.files = append(l.files, sockets.Bound{File: file})
			}
		}
		return l.take(one)
	}
	if address.network != "unix" {
		return listenTCP(address.address)
	}
	if err := sockets.CheckPath(address.address); err != nil {
		return nil, err
	}
	var bound sockets.Bound
	err := l.as.do(func() (err error) {
		bound, err = sockets.Bind(address.address, options, sockets.Staleness{})
		return err
	})
	if err != nil {
		return nil, err
	}
	l.files = append(l.files, bound)
	return net.FileListener(bound.Listener)
}

// reload reads the certificate again and opens the access log anew. A nil listener has neither.
func (l *httpListener) reload(logger *slog.Logger) {
	if l == nil {
		return
	}
	if l.certificate != nil {
		if err := l.certificate.Reload(); err != nil {
			logger.Error("the certificate before is kept", keyError, err)
		} else if warning := expiry(l.certificate, time.Now()); warning != "" {
			logger.Warn(warning)
		}
	}
	l.reopenLog()
}

// reopenLog opens the access log anew.
func (l *httpListener) reopenLog() {
	if l != nil && l.accessLog != nil {
		l.accessLog.Reopen()
	}
}

func (l *httpListener) close() {
	if l == nil {
		return
	}
	if l.listener != nil {
		_ = l.listener.Close()
	}
	for _, file := range l.files {
		if l.keeper == nil && !l.inherited { // else the next launcher is to be found there
			file.File.Remove()
		}
		if file.Listener != nil { // else it was the launcher's before
			_ = file.Listener.Close()
		}
	}
	if l.accessLog != nil {
		l.accessLog.Close()
	}
}
