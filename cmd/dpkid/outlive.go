package main

import (
	"errors"
	"os"
	"path/filepath"

	"dpki/device/sshd"

	"github.com/urfave/cli/v2"
)

// examineSessions looks at what lets a session, or what it started, outlive its grant.
func examineSessions(c *cli.Context, s sshd.Setup, accounts []string, f *findings) {
	err := s.Sessions(c.Context)
	switch {
	case err == nil:
		f.ok("PAM asks dpki: sessions end with their grants")
	case errors.Is(err, sshd.ErrLeftAlone):
		f.note("dpkid setup without --no-pam", "PAM is left alone: sessions are seen, and ended, by sshd's processes alone")
	case errors.Is(err, sshd.ErrNotInStack):
		f.fail("dpkid setup with the same accounts again", "sessions outlive their grants: %v", err)
	case errors.Is(err, sshd.ErrNoNote):
		f.fail("dpkid setup with the same accounts again", "whoever may write to an account's home may log in as if by another's key, and stay: %v", err)
	default:
		x := explained(setupError(err))
		f.fail(x.hint, "sessions outlive their grants: %v", x.err)
	}
	for _, a := range accounts {
		for _, way := range outliving {
			if info, err := os.Lstat(filepath.Join(way.folder, a)); err == nil && !info.IsDir() {
				f.note(way.next, "%s of %s runs on when the grant has ended", way.what, a)
			}
		}
	}
}

// outliving are ways in which others run something for an account, outside of any session.
var outliving = []struct{ folder, what, next string }{
	{"/var/spool/cron/crontabs", "the crontab", "look at it by crontab -l -u ACCOUNT; /etc/cron.allow keeps the account from cron"},
	{"/var/spool/cron", "the crontab", "look at it by crontab -l -u ACCOUNT; /etc/cron.allow keeps the account from cron"},
	{"/var/lib/systemd/linger", "the service manager (lingering)", "loginctl disable-linger ACCOUNT"},
}
