//go:build linux

package cli

import (
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"launcher/preforker"
	"launcher/preforker/ruby"
)

// Option names; the environment variable of each is LAUNCHER_ and its name.
const (
	optRoot         = "root"
	optEnvironment  = "environment"
	optRackup       = "rackup"
	optRuby         = "ruby"
	optSpawnMethod  = "spawn-method"
	optMaxPrivate   = "max-private"
	optMaxRequests  = "max-requests"
	optSocketDir    = "socket-dir"
	optSocketMode   = "socket-mode"
	optSocketGroup  = "socket-group"
	optSocketUser   = "socket-user"
	optListen       = "listen"
	optKeepSockets  = "keep-sockets"
	optListenAllow  = "listen-allow"
	optURLPrefix    = "url-prefix"
	optMountedBy    = "mounted-by"
	optBootTimeout  = "boot-timeout"
	optDrainTimeout = "drain-timeout"
	optHTTP         = "http"
	optTLSCert      = "tls-cert"
	optTLSKey       = "tls-key"
	optMaxBody      = "max-body"
	optQueueTimeout = "queue-timeout"
	optTrustedProxy = "trusted-proxy"
	optAccessLog    = "access-log"
	optSendfileDir  = "sendfile-dir"
	optPassenger    = "passenger-events"
	optLogFormat    = "log-format"
	optLogLevel     = "log-level"
	optRecord       = "record"
	optLogFile      = "log-file"
	optJSON         = "json"
)

// env returns the environment variable of an option.
func env(option string) []string {
	return []string{variablePrefix + strings.ToUpper(strings.ReplaceAll(option, "-", "_"))}
}

// siteFlags say where the application and its sockets are.
func siteFlags() []cli.Flag {
	return []cli.Flag{
		rootFlag(),
		configFlag(),
		&cli.StringFlag{Name: optRackup, EnvVars: env(optRackup),
			Usage: "`FILE` to run, absolute or below the root", DefaultText: "config.ru, else config/environment.rb"},
		&cli.StringFlag{Name: optSocketDir, EnvVars: env(optSocketDir), Usage: "`FOLDER` of the sockets", DefaultText: "log, below the root"},
		listenFlag(),
		&cli.StringFlag{Name: optURLPrefix, EnvVars: append(env(optURLPrefix), "RAILS_RELATIVE_URL_ROOT"),
			Usage: "`PATH` that the application is mounted under, such as /shop", DefaultText: "none"},
	}
}

func runFlags() []cli.Flag {
	return append(slices.Concat(siteFlags(), userFlags(), memoryFlags(), onDemandFlags(), limitFlags(), httpFlags(), metricsFlags(), dashboardFlags()),
		environmentFlag(),
		&cli.StringFlag{Name: optRuby, EnvVars: env(optRuby), Value: "ruby", Usage: "`COMMAND` that is Ruby 2.7 or later"},
		&cli.StringFlag{Name: optSpawnMethod, EnvVars: env(optSpawnMethod), Value: string(preforker.SpawnSmart),
			Usage: "`METHOD`: smart forks the workers, direct has each load the application by itself"},
		&cli.StringFlag{Name: optMaxPrivate, EnvVars: env(optMaxPrivate), Value: "auto",
			Usage: "`SIZE` (20MB, 1.5G) of a worker's own memory at which a fork takes its place; auto: chosen, off: never"},
		&cli.Uint64Flag{Name: optMaxRequests, EnvVars: env(optMaxRequests),
			Usage: "`NUMBER` of requests after which a fork takes a worker's place", DefaultText: "any"},
		&cli.StringFlag{Name: optSocketMode, EnvVars: env(optSocketMode), Value: "0660", Usage: "octal `MODE` of the sockets"},
		&cli.StringFlag{Name: optSocketGroup, EnvVars: env(optSocketGroup),
			Usage: "`GROUP` of the sockets, the web server's (www-data)", DefaultText: "this user's"},
		&cli.StringFlag{Name: optSocketUser, EnvVars: env(optSocketUser), Usage: "with --allow-root: `USER` that owns the sockets", DefaultText: "this one"},
		&cli.BoolFlag{Name: optKeepSockets, EnvVars: env(optKeepSockets),
			Usage: "have systemd keep the sockets when the launcher ends, for the next one (FileDescriptorStoreMax=): whoever connects meanwhile waits for that"},
		listenAllowFlag(),
		&cli.DurationFlag{Name: optBootTimeout, EnvVars: env(optBootTimeout), Value: 90 * time.Second,
			Usage: "`TIME` that the application may take to load, and a worker to come up"},
		&cli.DurationFlag{Name: optDrainTimeout, EnvVars: env(optDrainTimeout), Value: 30 * time.Second,
			Usage: "`TIME` that a worker may take for its last request when it is to leave"},
		probeFlag(),
		sendfileFlag(),
		bufferedFlag(),
		mountedByFlag(),
		passengerFlag(),
		logFileFlag(),
		pidFileFlag(),
		&cli.StringFlag{Name: optLogFormat, EnvVars: env(optLogFormat), Value: "text", Usage: "`FORMAT` of the log: text or json"},
		&cli.StringFlag{Name: optLogLevel, EnvVars: env(optLogLevel), Value: "info", Usage: "`LEVEL` of the log: debug, info, warn or error"},
		&cli.StringFlag{Name: optRecord, EnvVars: env(optRecord),
			Usage: "append to `FILE` what the supervisor hears and decides, to have a fault again; it grows without end", DefaultText: "off"},
	)
}

func mountedByFlag() cli.Flag {
	return &cli.StringFlag{Name: optMountedBy, EnvVars: env(optMountedBy), Value: string(ruby.MountedByAuto),
		Usage: "`WHO` takes --url-prefix off the path of a request: launcher, app (its config.ru or its routes begin with it), or auto, which looks for that"}
}

func passengerFlag() cli.Flag {
	return &cli.BoolFlag{Name: optPassenger, EnvVars: env(optPassenger),
		Usage: "define PhusionPassenger.on_event, and run the application's events :starting_worker_process and :stopping_worker_process"}
}

func rootFlag() cli.Flag {
	return &cli.StringFlag{Name: optRoot, EnvVars: env(optRoot), Usage: "`FOLDER` of the application", DefaultText: "the current folder"}
}

func environmentFlag() cli.Flag {
	return &cli.StringFlag{Name: optEnvironment, Aliases: []string{"e"}, EnvVars: env(optEnvironment),
		Usage: "`NAME` of the Rails and Rack environment", DefaultText: "RAILS_ENV, RACK_ENV, or production"}
}

func jsonFlag() cli.Flag { return &cli.BoolFlag{Name: optJSON, Usage: "print one JSON object"} }

// named returns the flags with these names.
func named(flags []cli.Flag, names ...string) []cli.Flag {
	return slices.DeleteFunc(flags, func(flag cli.Flag) bool { return !slices.Contains(names, flag.Names()[0]) })
}
