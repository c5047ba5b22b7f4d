package admin

import (
	"encoding/base64"
	"strings"

	"dpki/state"
)

// fingerprintText shows a key's hash as ssh-keygen -l does.
func fingerprintText(key state.Word) string {
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(key[:])
}

// parseFingerprint reads what fingerprintText writes.
func parseFingerprint(s string) (key state.Word, ok bool) {
	text, ok := strings.CutPrefix(s, "SHA256:")
	b, err := base64.RawStdEncoding.Strict().DecodeString(text)
	if !ok || err != nil || len(b) != len(key) {
		return state.Word{}, false
	}
	return state.Word(b), true
}
