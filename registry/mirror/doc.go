// Package mirror is the server of `dpki mirror`: an HTTP cache for a site whose
// devices reach nothing else. It hands on what devices ask of endpoints and
// stores (package route has the paths), keeps what cannot change for long and the
// tip for a second, and takes in receipts.
//
// Nobody trusts a mirror: devices verify its answers as they do an endpoint's,
// and all mirrors together count as one endpoint. With k = 1 and no witnesses a
// device whose only source is a mirror believes what the mirror shows, so mirrors
// belong together with witnesses.
//
// Each device asks for the tip with proofs of its own words. What is asked within
// a few milliseconds goes to an upstream as one question, and each gets its part of
// the answer.
//
// # Limits
//
//	memory     Config.Memory bytes of answers, the least used go first
//	disk       Config.Disk bytes of blocks, which are compared with their CID
//	           when they are read, so that what a crash or a hand left is no harm
//	questions  Config.Rate a second for each address (IPv6: each /64), maxBusy of
//	           them at once; at most maxAsking at the upstreams at once, one for
//	           all who ask the same
//	receipts   maxReceipts, of bundle.MaxReceipt bytes
//
// A mirror follows no redirect, opens nothing and decides nothing. Faults of its
// upstreams are handed on as HTTP statuses (route.Status).
package mirror
