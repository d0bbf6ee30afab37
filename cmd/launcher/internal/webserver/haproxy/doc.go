// Package haproxy writes the configuration with which HAProxy leads to an application's workers.
//
// What always holds: a worker has one request at a time, and what comes meanwhile waits in HAProxy, for whichever is free
// first. A request that a worker has begun to read is never sent to another one. No connection to a worker is kept.
//
// What it does not do: HAProxy serves no files, so neither does what is written here. It listens to no TLS.
package haproxy
