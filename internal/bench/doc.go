// Command bench measures, in one run and on real parts, the figures of the
// design, and prints each beside its bar:
//
//	make bench          everything, in about five minutes
//	go run ./internal/bench -pairs 20 -samples 5    a quick look
//	go run ./internal/bench -only memory,traffic    some of it; -help lists the parts
//
// One device with a real sshd, dpkid as its two processes and a zone of ten
// thousand live grants serves for most of it; its only endpoint is a proxy that
// can withhold announcements. What an idle device reads is counted on a chain
// beside, by a reader of five endpoints over TLS. It needs root, for a machine of
// its own (internal/harness), and leaves nothing.
//
// Times are of the wall clock. Where two things are compared they are measured
// in turns, and what is printed is the ratio of the medians with its 95 %
// bootstrap interval: other work on the machine then weighs on both alike.
package main
