package sshd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"time"
)

// ErrVersion says that a program does not say which OpenSSH it is.
var ErrVersion = errors.New("not an OpenSSH server")

// Version is an OpenSSH release.
type Version struct{ Major, Minor int }

// ExpiryTime reports whether expiry-time="...Z" is understood: since 9.1.
func (v Version) ExpiryTime() bool { return v.Major > 9 || v.Major == 9 && v.Minor >= 1 }

func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

var releases = regexp.MustCompile(`OpenSSH_(?:for_Windows_)?([0-9]{1,3})\.([0-9]{1,3})`)

// VersionOf asks a server program. Releases before 9.2 do not know -V and name
// themselves in the usage message.
func VersionOf(ctx context.Context, program string) (Version, error) {
	out, err := run(ctx, program, "-V")
	m := releases.FindSubmatch(out)
	if m == nil {
		if err == nil {
			err = ErrVersion
		}
		return Version{}, fmt.Errorf("%s: %w", program, err)
	}
	major, _ := strconv.Atoi(string(m[1]))
	minor, _ := strconv.Atoi(string(m[2]))
	return Version{major, minor}, nil
}

// run runs sshd in one of its modes that do not serve. Output is what it says on
// both streams.
func run(ctx context.Context, program string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C"}
	cmd.Dir = "/"
	cmd.WaitDelay = time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.Bytes(), err
}
