// Package apache writes the configuration with which Apache's httpd leads to an application's workers, by mod_proxy_fcgi.
//
// What always holds: each worker has a name of its own, so that Apache counts its requests apart; no request is sent
// twice; a stream leaves as it comes.
//
// What it does not do: it listens to no TLS, and reads no .htaccess of the application.
package apache
