// Package session is the daemon's register of login sessions, and what ends them.
//
// A session is one sshd monitor: one connection, with all the channels that a client multiplexes over it. It is entered when PAM
// opens it, and its processes are kept together in a cgroup (package cgroup). It lives while Extent says so, which is asked again
// whenever the daemon knows more (Refresh), when the end comes near, and at least once a second, because a machine that slept
// has slept through its timers. Times are Unix seconds of the engine's clock, not the machine's.
//
// What ends a session ends everything of it: SIGTERM to the monitor, which ends shell, terminal and forwards and lets sshd
// close its PAM session; after Grace, whatever is left in the group is killed. The same happens to what a logout leaves behind.
//
// The register is a file in /run, written before a session is allowed. A daemon that restarts takes up the sessions whose monitor
// still is that process, kills what is left of the others, and kills groups of our own that no record explains. (A session scope
// that no record explains is somebody else's login: if root deletes the register, sessions in scopes run on without an end.)
//
// The lesser form, where there is no cgroup2: the monitor, its descendants and their process sessions. A process
// that left its parents (setsid and a double fork) before the end is not found then; the audit says "monitor" for it.
package session
