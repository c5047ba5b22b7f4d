// Package desk is an administrator, for tests of what commands do to devices and
// clients: Desk is one at the real command, with a sandbox for a chain and an
// organisation of one zone, and needs dpki and dpki-sandbox in the namespace;
// Administrator is one at the use cases behind it, on a chain whose time is moved.
package desk
