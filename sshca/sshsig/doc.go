// Package sshsig makes and checks signatures over files as ssh-keygen -Y does
// (OpenSSH PROTOCOL.sshsig), with SHA-512 alone. The armoured form has one
// spelling, ssh-keygen's. Which namespace and which key are wanted the caller says:
// a signature that verifies proves nothing else.
package sshsig
