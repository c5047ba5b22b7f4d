// Package attack lies to a real device: proxies (harness/hostile) stand before a
// real node, dpkid follows what they say, and a real sshd asks it. One named test
// a threat; each has its twin, the same rig when the lie ends, so that it is the
// check that stopped it and not the rig.
//
// The packages below do the same to content stores, mirrors and witnesses, with
// reorganisations, and for a minute on end (soak). Each is a package of its own,
// since a machine is one device, and packages are tested side by side.
//
// docs/threat-model.md names these tests.
package attack
