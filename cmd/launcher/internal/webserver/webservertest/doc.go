// Package webservertest has the tests that all web servers' generators pass: goldens that the web server itself accepts,
// and sites that are refused.
//
// What always holds: it is for tests alone. A web server that is missing fails a test, and never skips it.
package webservertest
