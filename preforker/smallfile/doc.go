// Package smallfile reads and writes the small files beside the sockets, and reads those that users name.
//
// What always holds: whoever may write to that folder can put anything in the place of a file (a
// pipe that nobody writes to, a device, a link, a file without an end), and nothing of that makes
// a reader wait or read without a bound: Read takes a regular file of bounded size or fails at
// once. ReadNamed and ReadPiped do the same wherever a user has a file, but follow links. Replace
// leaves the older file or the whole new one, never a part. The package keeps no state and knows
// no name of a file but those of its own temporary ones.
package smallfile
