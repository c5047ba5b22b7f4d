// Command bench measures, in one run and on real parts, the figures of the
// design, and prints each beside its bar:
//
//	make bench          everything, in about five minutes
//	go run ./internal/bench -pairs 20 -samples 5    a quick look
//
// One device with a real sshd, dpkid as its two processes and a zone of ten
// thousand live grants serves for all of it; its only endpoint is a proxy that
// counts bytes and can withhold announcements. It needs root, for a machine of
// its own (internal/harness), and leaves nothing.
//
// Times are of the wall clock. Where two things are compared they are measured
// in turns, and what is printed is the ratio of the medians with its 95 %
// bootstrap interval: other work on the machine then weighs on both alike.
package main
