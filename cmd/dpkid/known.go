package main

import (
	"io/fs"
	"syscall"

	"dpki/bundle"
	"dpki/device"
	"dpki/device/config"
	"dpki/device/enroll"
	"dpki/device/journal"
	"dpki/device/spawn"
	"dpki/internal/anchor"
	"dpki/internal/file"
	"dpki/internal/network"
	"dpki/registry/verify"
)

// known are the errors that have a hint, the most particular first.
var known = []struct {
	is   error
	code int
	hint string
}{
	{anchor.ErrChecksum, exitUsage, "copy the anchor again, whole: `dpki org show` prints it"},
	{anchor.ErrVersion, exitUsage, "install a newer dpki"},
	{anchor.ErrForm, exitUsage, "`dpki org show` prints the anchor"},
	{enroll.ErrOtherAnchor, exitUsage, "`dpkid leave` first, if this device is to change its organisation"},
	{device.ErrOtherChain, exitUsage, "give the network file of the anchor's chain and contract: `dpki network show`"},
	{enroll.ErrNetwork, exitUsage, "give one with --network: `dpki network show` prints it"},
	{network.ErrInvalid, exitUsage, "correct the file; NETWORK FILE in dpki(1) has the form"},
	{verify.ErrConfig, exitUsage, "the network file must name as many endpoints as must agree"},
	{enroll.ErrRunning, exitFailed, "stop the daemon first: `systemctl stop dpkid`"},
	{journal.ErrLocked, exitFailed, "dpkid runs already"},
	{journal.ErrMissing, exitFailed, "if it was lost, `dpkid reset-trust` begins anew: the device then believes the history that it finds"},
	{journal.ErrCorrupt, exitFailed, "restore it, or `dpkid reset-trust` begins anew: the device then believes the history that it finds"},
	{journal.ErrUnsure, exitFailed, "start dpkid again; the journal is whole either way"},
	{journal.ErrAnchor, exitFailed, "the journal is another organisation's: put the right configuration back, or `dpkid leave`"},
	{journal.ErrFileMode, exitUsage, "it must be root's, with mode 0600"},
	{bundle.ErrFileMode, exitUsage, "it must be root's, with mode 0600"},
	{config.ErrInvalid, exitUsage, "dpkid(8) has the fields of the configuration"},
	{config.ErrUnsafe, exitUsage, "files and folders that decide whom to trust are root's, and nobody else may write to them: chown root, chmod go-w"},
	{file.ErrExists, exitUsage, "give another name, or remove it"},
	{spawn.ErrUser, exitUsage, "the package makes it; by hand: useradd --system --shell /usr/sbin/nologin dpki-fetch"},
	{spawn.ErrNotFetch, exitUsage, "start `dpkid run`"},
	{syscall.ENOSPC, exitFailed, "make room on the disk"},
	{syscall.ECONNREFUSED, exitLater, "dpkid does not run: `systemctl start dpkid`"},
	{fs.ErrPermission, exitUsage, "run it as root"},
}
