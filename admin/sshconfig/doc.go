// Package sshconfig spells what ssh_config(5) is told of a device: the names by
// which ssh finds it, and the options by which ssh knows it by what DPKI says of
// it and by nothing else. Where that comes from is each caller's own: `dpki
// known-hosts`, asked at each connection, or files that `dpki receive` keeps.
package sshconfig
