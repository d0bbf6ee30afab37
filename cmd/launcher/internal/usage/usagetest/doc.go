// Package usagetest asks real shells what they complete.
//
// What always holds: the shells are those that are installed, without anybody's configuration. A shell that is missing fails the test.
package usagetest
