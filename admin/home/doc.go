// Package home is where an administrator's own things lie:
//
//	$XDG_CONFIG_HOME/dpki/            0700, nobody else's
//	  config.toml                     organisations by the admin's names for them, and the default one; where tokens of pinning services lie
//	  identity                        bundle.Identity: opens rosters, is a recipient of every batch
//	  chain-key.json                  keystore V3: writes to the chain
//	  ca/LABEL, ca/LABEL.pub          certificate authorities, OpenSSH format, encrypted
//	  ca/LABEL.stage                  "prepared" or "signs since SECONDS": when this holder of the key uses it
//	  ssh_config                      what dpki ssh-config writes
//	  login_key, login_key.pub        a person's own SSH key, or a link to it
//	  received/ORGANISATION/          what dpki receive installs
//	  networks/NAME.toml              docs/formats.md section 8
//	$XDG_STATE_HOME/dpki/<org>/       what was read and verified; deleting it costs time and nothing else
//	  seen/DEVICE, seen/wrote         when a device's logs were last up to date, for dpki known-hosts, Unix nanoseconds
//
// Files are written to a temporary name, synced and renamed; keys are never
// replaced. A folder that others may read or write is refused, not repaired:
// whoever opened it may already have used it.
package home
