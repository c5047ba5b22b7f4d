// Package segment is the file form of a piece of a scope's log: the entries
// between two C words, for readers whose endpoints no longer serve old logs
// (docs/formats.md section 2).
//
//	segment  "DPKISEGM" | u8 1 | scope 32 | u48 index | u16 count | entries, each u16 length | entry
//
// Segment i begins with entry 1,024 * i + 1 and holds 1 to 1,024 entries that
// follow one another; one that is full never changes. Its file is named
// SCOPE-INDEX. Nothing in a segment is trusted: a reader replays it, and the
// running hash must come out as proven. So anybody may make one, and any folder
// or web server may hold it.
package segment
