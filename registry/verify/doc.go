// Package verify turns an endpoint's raw answers into an organisation's
// verified log. It does no networking and keeps nothing on disk.
//
// # What is checked
//
//	header   its hash is computed again from all its fields (ParseHeader)
//	proof    account and storage proofs (EIP-1186) start from the header's
//	         state root; the code hash is the registry contract's; a missing
//	         word is zero. The JSON `value` is never read (CheckProof)
//	logs     only Appended events of the one contract and organisation
//	         (ParseLogs), replayed in order: the running hash must end at the
//	         proven word H of its scope (Reader)
//
// Headers are not checked against any consensus: an endpoint's word, or that
// of the k endpoints that a HeadPolicy asks for, is what makes one believable.
//
// # Reader
//
// A Reader follows scopes. One Tick asks endpoints for the tip until the policy
// accepts, fetches the entries of those scopes whose H moved, and answers with
// a Result. Nothing counts until Commit: a caller first writes the Result's
// changes to disk, then commits, so that memory and disk never disagree.
//
//	confirmed prefix  entries in blocks at or below the accepted finalized
//	                  number. Never shrinks; a proven log that does not extend
//	                  it is ErrRollback, and State is kept
//	overlay           entries after it, rebuilt as a whole when the chain
//	                  reorganises
//	sticky            restrictions that a reorganisation removed; in force until
//	                  the finalized number passes their block without them
//
// Where nobody waits for finality (Config.Sparing, no overlay, nothing sticky),
// looks ask for the safe and finalized headers once an hour only.
//
// A tip older than the last accepted one is ErrLagging, so that an endpoint
// that replays yesterday, or lags by one block, takes nothing away.
//
// A Reader is not safe for concurrent use.
package verify
