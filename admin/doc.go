// Package admin holds what an administrator does: make organisations, zones and
// certificate authorities, enrol devices, grant, revoke, deny, explain, read
// the log. Each use case takes a typed request and returns a typed result;
// nothing here prints, asks on a terminal or knows a command line.
//
// A Desk is one administrator at work for one organisation. It believes the
// chain, as registry/verify proves it, and the stores, by their hashes; what is
// kept on disk (admin/ledger, a folder of blocks) only saves time. What an
// administrator must know to go on, keys of zones and mailboxes of devices,
// travels in roster bundles: every write that changes it carries a block for
// each administrator, so that chain, stores and an identity file rebuild
// everything on an empty machine.
//
// Order of a write: content to the stores first, then one transaction. What is
// interrupted in between has told nobody anything and is done again from the
// start.
//
// Outcomes that are not success are *Problem (admin/fault): what happened, what
// to do next, and one of four classes that commands turn into exit statuses.
package admin
