// Command launcher runs a Rails or Rack application as forked FastCGI workers
// behind a web server. It runs on Linux, and says so elsewhere.
//
// What always holds: nothing but main ends the process, after every deferred call has run. All else
// is in internal/cli; the tests here run the whole program with real applications.
package main
