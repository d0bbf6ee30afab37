// Command launcher runs a Rails or Rack application as forked FastCGI workers
// behind a web server. It runs on Linux, and says so elsewhere.
//
// Nothing but main ends the process, after every deferred call has run.
package main
