// Package sudo proves to the daemon that whoever runs sudo in a session still holds the session's own key: an SSHSIG signature
// (OpenSSH PROTOCOL.sshsig, namespace "dpki-sudo") by the ssh-agent that the session forwards, over
//
//	"dpki/sudo/1" | u16 length | anchor | device id 32 | u8 length | account | nonce 32
//
// so that it is worth nothing on another device, in another account, a second time, or for anything but sudo.
//
// The daemon connects to the agent with the rights of the session's user, and never with its own: the path is the user's choice
// (SSH_AUTH_SOCK). It asks for the session's certificate only, reads one bounded answer, and takes no word of it but a signature that
// verifies. An agent that the network or a missing touch keeps waiting is given up at the context's end.
package sudo
