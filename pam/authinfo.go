package pam

import (
	"errors"
	"strings"
)

// maxAuthInfo bounds SSH_AUTH_INFO_0, in bytes; the module refuses longer ones.
const maxAuthInfo = 16 << 10

// errAuthInfo says that the login used no public key, more than one, or something that was not understood.
var errAuthInfo = errors.New("pam: not exactly one public key in SSH_AUTH_INFO_0")

// parseAuthInfo reads the methods by which a user logged in, as OpenSSH writes them (auth2.c, auth2_update_session_info):
//
//	METHOD [TYPE BASE64] '\n' ...
//
// A public key must be there exactly once, whole; other methods may stand beside it (AuthenticationMethods).
func parseAuthInfo(text string) (keyType, key string, err error) {
	if len(text) > maxAuthInfo {
		return "", "", errAuthInfo
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		f := strings.Split(line, " ")
		if f[0] != "publickey" {
			continue
		}
		if key != "" || len(f) != 3 || f[1] == "" || f[2] == "" {
			return "", "", errAuthInfo
		}
		keyType, key = f[1], f[2]
	}
	if key == "" {
		return "", "", errAuthInfo
	}
	return keyType, key, nil
}
