// Command demo tells the main story on real parts, in one machine of its own
// that ends with it: a chain and content store (dpki-sandbox), a device (dpkid
// and the system's sshd), an administrator (dpki) and a technician who has
// nothing but ssh. Each line of its output was run; the README shows it.
//
// It needs root, for the machine of its own. It touches nothing else, and
// leaves nothing.
package main
