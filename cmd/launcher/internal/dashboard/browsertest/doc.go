// Package browsertest has tests look at a page with chromium: what is on it, what it says on its console, and how it
// looks.
//
// What always holds: a browser ends with its test, with all of its processes; it is spoken to through a pipe, so nobody else can;
// every wait has a bound, and its end is the test's failure.
package browsertest
