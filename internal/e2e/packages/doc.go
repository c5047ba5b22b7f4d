// Package packages installs, upgrades and removes the real deb and rpm with the real dpkg and rpm, in the harness's copy of
// the machine, and looks at what they left. What it guards: installing changes nothing about sshd, the helper lies where
// sshd accepts it, and removing leaves no machine that nobody can log in to.
package packages
