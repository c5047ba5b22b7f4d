// Package manpage writes the parts of manual pages that can be read off a
// program's own definitions, so that a page cannot name a flag that is gone or
// lack one that is new.
//
// packaging/man/NAME.in is the page as people write it, in man(7); a line
//
//	.\" @part@
//
// stands for a part that is made here. packaging/man/NAME is the outcome, kept
// in the repository for the packages and for readers; a test of each command
// compares it (Check), and `make man` writes it anew.
package manpage
