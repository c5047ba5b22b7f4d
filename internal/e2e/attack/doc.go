// Package attack lies to a real device: proxies (harness/hostile) stand before a
// real node and a real gateway, dpkid follows what they say, and a real sshd
// asks it. One named test a threat; each has its twin, the same rig when the lie
// ends, so that it is the check that stopped it and not the rig.
//
// docs/threat-model.md names these tests, and a test here reads that table.
package attack
