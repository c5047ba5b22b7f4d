package main

import (
	"slices"
	"strings"
	"testing"
)

func TestLikeSSH(t *testing.T) {
	app := (&tool{}).app()
	for given, want := range map[string]string{
		// What people write.
		"dpki ssh gate-7": "dpki ssh gate-7 --",
		"dpki ssh gate-7 --account deploy -- id -un":             "dpki ssh --account deploy gate-7 -- id -un",
		"dpki --home h ssh --for 5m gate-7 -a deploy -- -A look": "dpki --home h ssh --for 5m -a deploy gate-7 -- -A look",
		"dpki ssh gate-7 id -un":                                 "dpki ssh gate-7 -- -- id -un",
		"dpki ssh deploy@gate-7 --sudo uptime --pretty":          "dpki ssh --account deploy --sudo gate-7 -- -- uptime --pretty",
		"dpki ssh -L 1:localhost:2 -N gate-7 --port-forwarding":  "dpki ssh --port-forwarding gate-7 -- -L 1:localhost:2 -N",
		"dpki ssh --for=5m gate-7":                               "dpki ssh --for=5m gate-7 --",
		"dpki ssh":                                               "dpki ssh",
		"dpki ssh --help":                                        "dpki ssh --help",
		"dpki grant ssh --for 5m":                                "dpki grant ssh --for 5m",
		"dpki --org ssh device list":                             "dpki --org ssh device list",
		"dpki --org ssh ssh gate-7":                              "dpki --org ssh ssh gate-7 --",
		// OpenSSH's scp and sftp, rsync, git.
		"dpki ssh -x -oPermitLocalCommand=no -oRequestTTY=no -l deploy -s -- gate-7 sftp": "dpki ssh --account deploy gate-7 -- -x -oPermitLocalCommand=no -oRequestTTY=no -s -- sftp",
		// The same for a name from a hostile list: it stays a name, which no device has.
		"dpki ssh -x -s -- -oProxyCommand=id sftp":                                           "dpki ssh -- -oProxyCommand=id -- -x -s -- sftp",
		"dpki ssh -x -- --keep scp -f /etc/motd":                                             "dpki ssh -- --keep -- -x -- scp -f /etc/motd",
		"dpki ssh -x -- deploy@-oProxyCommand=id scp -t x":                                   "dpki ssh --account deploy -- -oProxyCommand=id -- -x -- scp -t x",
		"dpki ssh deploy@-oProxyCommand=id":                                                  "dpki ssh --account deploy -- -oProxyCommand=id --",
		"dpki ssh -- gate-7":                                                                 "dpki ssh gate-7 --",
		"dpki ssh --passphrase-file p -x -- deploy@gate-7 scp -f /etc/motd":                  "dpki ssh --passphrase-file p --account deploy gate-7 -- -x -- scp -f /etc/motd",
		"dpki ssh --account deploy gate-7 rsync --server --sender -vlogDtpre.iLsfxCIvu . /x": "dpki ssh --account deploy gate-7 -- -- rsync --server --sender -vlogDtpre.iLsfxCIvu . /x",
		"dpki ssh -ldeploy gate-7 rsync --server . /x":                                       "dpki ssh --account deploy gate-7 -- -- rsync --server . /x",
		"dpki ssh -o SendEnv=GIT_PROTOCOL deploy@gate-7 git-upload-pack":                     "dpki ssh --account deploy gate-7 -- -o SendEnv=GIT_PROTOCOL -- git-upload-pack",
	} {
		if got := likeSSH(app, strings.Fields(given)); !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%s\n got %s\nwant %s", given, strings.Join(got, " "), want)
		}
	}
}
