package answer

import (
	"errors"
	"os/user"
	"strconv"
)

// superuser reports whether an account is root by another name (toor and the
// like): an administrator who may grant unprivileged accounts only must not
// reach uid 0 through it. An account that /etc/passwd does not have is a
// directory's, whose uids the policy's privileged accounts have to cover; where
// the file cannot be read the account counts as privileged.
func superuser(account string) bool {
	u, err := user.Lookup(account)
	var unknown user.UnknownUserError
	if errors.As(err, &unknown) {
		return false
	}
	if err != nil {
		return true
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	return err != nil || uid == 0
}
