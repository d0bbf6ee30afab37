// Package linux is the only place that talks to the Linux kernel directly:
// sockets with a chosen mode and backlog, descriptors sent over a socket, memory
// files, child processes followed by descriptor, the lengths of sockets' queues.
//
// What always holds: every descriptor that it opens is close-on-exec, and every one has a
// single owner: the value that it returns, which closes it. The package decides nothing and
// logs nothing.
//
// Kernels: memfd_create 3.17, PR_SET_CHILD_SUBREAPER 3.4, pidfd_open 5.3,
// waitid(P_PIDFD) 5.4, SO_BINDTOIFINDEX without privileges 5.7, PIDFD_NONBLOCK 5.10. So Linux 5.10 or later.
package linux
