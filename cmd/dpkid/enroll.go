package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"dpki/device/enroll"
	"dpki/device/sshd"
	"dpki/internal/anchor"
	"dpki/internal/file"
	"dpki/internal/network"
	"dpki/state"

	"github.com/urfave/cli/v2"
)

func (e *env) enrollCommand() *cli.Command {
	return &cli.Command{
		Name: "enroll", Usage: "make this device's identity and its enrolment request", ArgsUsage: "ANCHOR",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "name", Usage: "`NAME` of the device (default: the host's)"},
			&cli.StringFlag{Name: "host-key", Usage: "public key `FILE` of sshd (default: ed25519, ecdsa or rsa in /etc/ssh)"},
			&cli.StringFlag{Name: "zone", Usage: "`ID` of the only zone to join (default: whichever enrols the device); the organisation may move it on from there"},
			&cli.StringFlag{Name: "network", Usage: "network `FILE` with the first endpoints and stores"},
			&cli.StringFlag{Name: "out", Usage: "also write the request to a new `FILE`; - for stdout"},
			&cli.BoolFlag{Name: "json", Usage: "print the result as JSON"},
		},
		Action: e.arguments(1, 1, e.enroll),
	}
}

func (e *env) enroll(c *cli.Context) error {
	if err := root(); err != nil {
		return err
	}
	request, err := enrolRequest(c)
	if err != nil {
		return err
	}
	result, err := enroll.Enroll(e.paths, request)
	if err != nil {
		return err
	}
	where := e.paths.Request()
	if out := c.String("out"); out == "-" {
		_, err := e.stdout.Write(result.Text)
		return err
	} else if out != "" {
		where = out
		if err := file.Create(out, result.Text, 0o600); err != nil {
			return err
		}
	}
	if c.Bool("json") {
		return json.NewEncoder(e.stdout).Encode(map[string]string{
			"name": result.Request.Name, "anchor": request.Anchor.String(), "fingerprint": result.Request.Fingerprint(), "request": where,
		})
	}
	_, err = fmt.Fprintf(e.stdout, `name         %s
fingerprint  %s
request      %s (confidential: send it to an administrator only)

next:  on the administrator's machine   dpki device add %s     (compare the fingerprint when it asks)
       here                             systemctl restart dpkid; dpkid status
       here, once status says fresh     dpkid setup --accounts root
`, result.Request.Name, result.Request.Fingerprint(), where, where[strings.LastIndex(where, "/")+1:])
	return err
}

func enrolRequest(c *cli.Context) (r enroll.Request, err error) {
	if r.Anchor, err = anchor.Parse(c.Args().First()); err != nil {
		return r, err
	}
	if r.Name = c.String("name"); r.Name == "" {
		host, err := os.Hostname()
		if err != nil {
			return r, err
		}
		r.Name, _, _ = strings.Cut(strings.ToLower(host), ".")
	}
	if !state.ValidName(r.Name) {
		return r, usage("give one with --name: a-z 0-9 . _ -, the first alphanumeric", "%q cannot be a device's name", r.Name)
	}
	if zone := c.String("zone"); zone != "" {
		if r.Zone, err = state.ParseWord(zone); err != nil || r.Zone.IsZero() {
			return r, usage("`dpki zone show` prints it", "zone %.80q is not 64 lower-case hex digits", zone)
		}
	}
	if path := c.String("network"); path != "" {
		if r.Network, err = readFile(path, network.MaxSize); err != nil {
			return r, err
		}
	}
	r.HostKey, err = hostKey(c.String("host-key"))
	return r, err
}

// hostKeys are sshd's own, in the order of preference.
var hostKeys = []string{"/etc/ssh/ssh_host_ed25519_key.pub", "/etc/ssh/ssh_host_ecdsa_key.pub", "/etc/ssh/ssh_host_rsa_key.pub"}

func hostKey(path string) (string, error) {
	paths := hostKeys
	if path != "" {
		paths = []string{path}
	}
	for _, p := range paths {
		text, err := readFile(p, 16<<10)
		if err == nil {
			return strings.TrimSpace(string(text)), nil
		}
		if path != "" || !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return "", usage("make one: `ssh-keygen -A`; or name it with --host-key", "sshd has no host key in /etc/ssh")
}

func readFile(path string, max int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, usage("name a file that is here", "%w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > max {
		return nil, usage("name another file", "%s is not a file of at most %d bytes", path, max)
	}
	return os.ReadFile(path)
}

func (e *env) leaveCommand() *cli.Command {
	return &cli.Command{
		Name: "leave", Usage: "forget the organisation: identity, keys, configuration",
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "yes", Usage: "do not ask"}},
		Action: e.arguments(0, 0, e.leave),
	}
}

func (e *env) leave(c *cli.Context) error {
	if err := root(); err != nil {
		return err
	}
	if _, err := os.Lstat(sshd.Setup{Server: sshd.Server{Config: sshdConfig}}.Path()); err == nil {
		return &failure{exitFailed, errors.New("sshd still asks dpki: nobody could log in to the governed accounts"), "`dpkid setup --undo` first"}
	}
	if !c.Bool("yes") {
		return usage("dpkid leave --yes", "this destroys the device's keys; an administrator must add it again")
	}
	return enroll.Leave(e.paths)
}
