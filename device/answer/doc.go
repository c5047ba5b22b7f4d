// Package answer is the part of a device's daemon that others ask: it answers
// sshd, PAM and root from what the device's Engine has published.
//
//	sshd's helper, PAM, root -> Sockets, Logins -> Door -> View -> authkeys
//
// A login never waits for the network, but for one case: it may ask for a fresh
// look (device.Engine.Refresh) and then waits at most device.RefreshBudget.
// Strangers cause no traffic: a refresh is for certificates that a live CA has
// signed, and for plain keys, where the zone uses them, from a bucket of tokens.
//
// Every decision is one line of Audit. The sockets are of the family AF_UNIX
// alone, and who asks is told from the kernel's word, not from his own.
package answer
