// Package device follows the organisation's log for one device and keeps it in the
// journal. Package answer decides logins from it.
//
//	Fetcher (another process) -> registry/verify -> journal -> replica -> View -> answer
//
// One goroutine, Engine.Run, owns the reader, the journal and the keys. What it
// knows it publishes as a View behind an atomic pointer: immutable, so that a
// login never waits for the network and never sees half a change. A login may
// ask for a fresh look (Engine.Refresh) and then waits at most RefreshBudget.
//
// Three gears: watch (a hint from the network, else a poll every few seconds)
// while a grant for this device lives, is about to, or anything has just
// changed; idle otherwise; and the refresh at login.
//
// The device is enrolled when a batch in a zone that the organisation has
// announced holds a bundle for it. The zone that it learns there it keeps.
//
// Nothing here opens a socket of another family than AF_UNIX. Every failure
// leaves what was known before and makes it older; age is what ends logins.
package device
