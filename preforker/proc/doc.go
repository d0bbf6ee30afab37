// Package proc reads from /proc what processes and the machine use of memory, and
// which processes descend from which; it also bounds how often that is worth its price.
//
// What always holds: every size is in bytes, every file is read with a bound and never cut
// in silence, and the parsers are pure functions of what the kernel wrote. A process that
// ended is ErrGone and nothing else; what belongs to another user is os.ErrPermission. The
// package keeps no state but a table that is being read, starts nothing, signals nobody, and sums
// nothing over processes: which of them belong together is the caller's knowledge.
//
// Kernels: MemAvailable 3.14, bit 56 of pagemap and its frames for CAP_SYS_ADMIN alone
// 4.2, SwapPss 4.3, smaps_rollup 4.14. Without CONFIG_PROC_PAGE_MONITOR there is neither
// smaps_rollup nor pagemap, which is errors.ErrUnsupported. Lines that a newer kernel adds
// are passed over. Linux only.
package proc
