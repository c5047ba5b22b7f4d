// Package authkeys decides whether sshd lets a key in (docs/formats.md sections 9 and 10). Decide is pure: the request, the verified
// State and the time go in, a Decision comes out, with nothing read, written or remembered in between. The daemon's sockets,
// PAM and the explain command all ask it.
//
// The checks stand in one order and the first that fails denies, with a Reason of its own and a hint for the administrator:
//
//	request, State and time present -> key parses -> CA live in State and for users -> signature -> profile ->
//	certificate's window -> State recent enough -> grant live, for this key and account, what the certificate was issued
//	for, of the right kind, fresh where it is privileged -> nothing restricts it: DENY, retired device, a restriction that
//	cannot be read -> the line
//
// Whether the CA or the grant was revoked or is distrusted is part of its being live (state.Standing).
//
// Times are Unix seconds. A window's start is tolerated up to StartTolerance early, since an administrator's clock sets it; its
// end is not tolerated at all. The zero Decision, Reason, Now, Stage and Freshness deny.
//
// On accept there is exactly one line, at most MaxLine bytes of printable ASCII, in sshd's AUTHORIZED_KEYS FILE FORMAT (sshd(8)). A
// certificate's line always has principals= with one principal; without it OpenSSH 9.2 accepts a certificate without
// principals for any account.
package authkeys
