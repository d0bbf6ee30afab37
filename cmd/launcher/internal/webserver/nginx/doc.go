// Package nginx writes the configuration with which nginx leads to an application's workers.
//
// What always holds: a worker that has a request is not asked again for the same one more than once, and no socket is
// taken out of service because a worker has died; nginx keeps no connection to a worker.
//
// What it does not do: it listens to no TLS, and knows nothing of hosts.
package nginx
