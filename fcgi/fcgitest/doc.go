// Package fcgitest plays FastCGI applications for tests.
//
// What always holds: whatever it starts ends with the test, and every wait is bounded
// by Patience. No program imports it.
package fcgitest
