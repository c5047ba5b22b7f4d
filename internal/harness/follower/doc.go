// Package follower is a device's engine in a test's own process: on a real
// chain, with a fetch side beside it, and with clocks that the test pushes.
//
//	r := follower.Enrolled(t, follower.Instant, nil)
//	r.Allowed("a live grant", "alice", r.Granted("alice", time.Hour).Cert)
package follower
