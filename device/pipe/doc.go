// Package pipe is what `dpkid run` and `dpkid fetch` say to each other over a
// socketpair. run asks; fetch, which has the network and nothing else, answers
// with raw bytes that run verifies. Neither trusts the other's frames: both
// bound and parse them, and a frame that does not fit ends the connection, upon
// which run starts another fetch.
//
//	frame   u32 length of what follows | u8 type | u32 id | fields, each u32 length | bytes
//
// Integers are big endian. run numbers its questions from 1; an answer carries
// its question's id; a hint (the network has something new, nothing more) has
// id 0. At most MaxPending questions are open. An answer is at most as long as
// its question allows: registry.MaxLogs for logs, and so on.
//
//	type  direction   fields
//	1     run->fetch  configure: each "endpoint URL", "mirror URL", "folder PATH", "gateway URL", "sandbox URL" or "witness URL-OR-PATH"
//	2     run->fetch  watch: one byte, 1 = send hints, 0 = do not
//	3     run->fetch  head: u16 endpoint | u32 timeout ms | contract 20 | u64 at | u8 tip only 0/1 | slots, 32 each
//	4     run->fetch  logs: u16 endpoint | u32 timeout ms | contract 20 | organisation 32 | u64 from | u64 to | u32 max | scopes, 32 each
//	5     run->fetch  headers: u16 endpoint | u32 timeout ms | numbers, u64 each
//	6     run->fetch  block: u32 timeout ms | digest 32 | u32 max
//	7     run->fetch  segment: u16 archive | u32 timeout ms | scope 32 | u64 index
//	8     run->fetch  receipt: u32 timeout ms | signing key 32 | receipt
//	9     run->fetch  checkpoint: u16 place | u32 timeout ms | witness's key 32
//	16    fetch->run  results: one field each, empty = none
//	17    fetch->run  failure: u8 fault | u32 retry after, ms | detail, at most MaxDetail bytes
//	18    fetch->run  hint: none
//
// Each question's parts are fields of their own. Endpoints and mirrors are
// numbered from 0 in their order among the places, and so are archives, which
// are mirrors and folders; the places of checkpoints are witness's own, mirrors and
// folders. A receipt goes to all mirrors.
package pipe
