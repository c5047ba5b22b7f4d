// Package apply installs what deliveries bring to a device, as root: user keys,
// host certificates and host keys, CAs to trust, sets of files (docs/formats.md
// section 7, purposes 3 to 6).
//
// A set is installed whole or not at all. What stood at its places goes into the
// ledger first; then each file is written beside its place, synced, given its
// owner and mode and renamed; then the configuration is checked, and the ledger
// says that all stands; then whoever reads it is told, and the ledger says that it
// is in force. Where the daemon dies before all stands, or anything fails, what stood
// there before stands there again; where it dies later, the next one tells again
// and goes on: nobody is ever told of a version that is taken back, unless telling
// fails. The ledger is one file, replaced as a whole.
//
// What may be written, and what is run, is local root's to say in
// deliveries.toml; a bundle names a set, never a path outside of the set's folder
// and never a command. Every folder on the way is root's alone, and none is a
// link.
//
//	purpose            place, unless deliveries.toml says otherwise
//	user key           /etc/dpki/keys.d/NAME, NAME.pub, NAME-cert.pub
//	host certificate   beside the host key that it is for, and a drop-in for sshd
//	CA                 /etc/dpki/trust.d/NAME.pub (users), NAME.known_hosts (hosts)
//	files              /etc/dpki/files.d/NAME/
package apply
