// Package fault is what use cases end with that do not succeed: a *Problem says
// what happened, what to do next, and which of four classes it is, from which
// commands make their exit statuses. Both sides make them, administrators
// (admin) and persons (admin/receive), and both meet the same ones: a chain that
// does not answer, an organisation that is not there, a folder that others may
// read.
package fault
