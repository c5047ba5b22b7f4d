// Package breakglass reads the keys that let an administrator in while the daemon cannot decide: the helper asks it where the
// daemon is absent, the daemon where it is offline. Standard library only, so that the helper stays small.
//
// The folder, /etc/dpki/breakglass.d, holds one file for each key, named ACCOUNT.keys or ACCOUNT@LABEL.keys; a key is for
// that account only. A file is one line of sshd's AUTHORIZED_KEYS FILE FORMAT (sshd(8)); empty lines and lines that begin
// with # are passed over. from= and expiry-time= are mandatory:
//
//	from="192.0.2.0/24",expiry-time="20270131000000Z",restrict,pty ssh-ed25519 AAAA... alice's token
//
// from= is a list of addresses and CIDRs; expiry-time= is in UTC with a Z, and this package enforces it, so that the line works with
// an OpenSSH that does not know the Z (before 9.1): it is left out of the line for sshd. Known options only; no certificates and no
// certificate authorities. A file that is wrong in any way lets nobody in and does not stand in another file's way.
//
// The daemon writes the keys that it has seen denied to /var/lib/dpki/denied, since /run is empty after a restart of the machine:
//
//	dpki-denied 2
//	at <verified time when it was written, Unix seconds>
//	<sha-256 of the key blob, 64 lower-case hex digits>        any number of times
//	end <how many>
//
// The helper takes no clock to be before that time: one that was set back does not bring expired keys to life.
//
// A list that is missing, cannot be read or is incomplete denies everybody.
//
// Folder, files, list and every folder above them belong to root and are writable by root alone. They are opened one component at
// a time, without following links, and checked on the opened descriptor.
package breakglass
