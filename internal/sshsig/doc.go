// Package sshsig implements OpenSSH's signatures over data (PROTOCOL.sshsig), in
// their binary form, version 1:
//
//	"SSHSIG" | u32 1 | string public key | string namespace | string "" | string "sha512" | string signature
//
// What is signed is "SSHSIG" | string namespace | string "" | string "sha512" |
// string SHA-512(message). The namespace keeps the signatures of one use apart
// from those of every other, an SSH login among them. `ssh-keygen -Y sign -n
// NAMESPACE` makes what ParseArmored reads and reads what Sign makes, in armor.
//
// Keys and algorithms are those of package sshca/profile: RSA signs with SHA-512
// alone, and security keys count only with the owner's touch. Everything else is
// refused, and so is any other hash, which would be a second spelling.
package sshsig
