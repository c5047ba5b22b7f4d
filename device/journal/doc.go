// Package journal is a device's memory on disk: one bbolt file of mode 0600
// below /var/lib/dpki. Every change is one transaction, so a crash at any
// instant leaves the state before it or after it and never a mixture.
//
//	meta/form      u8 1
//	meta/anchor    the anchor's text; the file serves no other
//	meta/head      newest verified block: number, hash, time, safe, finalized
//	records/NAME   small values of the daemon's own: enrolment, clock, witnesses, inherited
//	batches/SUBJECT  batches that were looked through, so that none is fetched twice
//	scopes/SCOPE/  base, tip, through, overlay, sticky
//	scopes/SCOPE/log/SEQ  confirmed entries in their file form (docs/formats.md section 2)
//
// The journal is trusted once Load has replayed every confirmed entry and come
// to the running hash that stands beside it: what was cut off, turned over or
// swapped on the disk is ErrCorrupt. A file that is missing is not made anew,
// because an empty journal accepts any history: ErrMissing, and Create is for
// enrolment and reset-trust only.
//
// Beside it lies a file of 256 KiB, NAME.reserve, that is given up when the disk is
// full, so that a restriction can be written then; it comes back with room.
// Compact gives unused pages back.
package journal
