// Package cgroup keeps the processes of a session together, whatever they do to leave it (setsid, nohup, double fork), and ends them
// all: cgroups(7), version 2, wherever it is mounted.
//
// A group is one of two things: the session scope that systemd-logind made for the login, or a folder of our own subtree, named
// <monitor's pid>-<its start time>. Nothing else is ever killed: Kill refuses a path that is neither, and a folder that is not the
// one that was recorded (its inode tells). sshd's own service and an administrator's own shell are therefore out of reach.
//
// Where there is no cgroup2, or it may not be written, Find or Make say so with an error; the caller has a lesser form.
package cgroup
