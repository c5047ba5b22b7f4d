// Package messages reads from the sources what the programs say when something
// is wrong, with the hint that goes with it, and writes docs/messages.md. `make
// man` writes it anew; a test compares.
//
// It knows the few forms in which this repository makes errors for people:
// fault.Problem and its makers, cmd/dpkid's failure, usage and tables of known
// errors, findings of the two doctors, and authkeys.Reason. A message that is put
// together at run time appears with "..." for what is filled in.
package messages
