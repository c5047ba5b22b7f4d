package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"

	"dpki/admin"
	"dpki/admin/home"
)

// checkOut refuses a file for a certificate before anything is granted: one in
// a folder that is not there, and one that holds something else. Only a
// certificate is written over, for `--out tech` with the certificate's end
// forgotten would otherwise cost the private key.
func checkOut(path string) error {
	if path == "" {
		return nil
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return &admin.Problem{Class: admin.Usage, Text: fmt.Sprintf("--out %.80q is in no folder", path), Hint: "make the folder, or name another FILE; nothing was granted", Err: err}
	}
	old, err := home.Read(path, 64<<10)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		var key ssh.PublicKey
		if key, _, _, _, err = ssh.ParseAuthorizedKey(old); err == nil {
			if _, is := key.(*ssh.Certificate); is {
				return nil
			}
			err = errors.New("it is a public key")
		} else {
			err = errors.New("it holds something else")
		}
	}
	return &admin.Problem{Class: admin.Usage, Text: fmt.Sprintf("%.80q is there already and is no certificate", path), Hint: "name another FILE with --out, as tech-cert.pub; nothing was granted", Err: err}
}

// overOwn refuses a file that --out names and that holds something else than this
// command writes, which begins so.
func overOwn(path, begins string) error {
	if err := home.CheckOwn(path, begins); err != nil {
		return &admin.Problem{Class: admin.Usage, Text: fmt.Sprintf("%.80q is not written over", path), Hint: "name another FILE; nothing was done", Err: err}
	}
	return nil
}
