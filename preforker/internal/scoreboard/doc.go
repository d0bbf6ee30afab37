// Package scoreboard reads the memory file in which every worker keeps one record
// of what it is doing. A worker writes its own record, which takes no system call from Ruby 3.1 on; the
// supervisor reads it at any time, also after the worker was killed, so that
// the log can name the request that it died in.
//
// What always holds: a record belongs to one worker from its spawn to its reaping, not to a
// slot, since two workers of a slot live side by side while it is rolled. Nobody takes a lock;
// a record that was caught half written is read again. What the worker's requests took so far stands behind all records
// (Figures), so that a release knows the records of another one.
package scoreboard
