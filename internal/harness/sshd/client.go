package sshd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"testing"
	"time"
)

// A Client says how the real ssh logs in. It reads no configuration of the tester's and no agent.
type Client struct {
	User        string
	Key         string   // private key file
	Certificate string   // certificate file; empty means none
	Options     []string // further -o values, first, as ssh too takes the first
}

// A Result is how ssh ended.
type Result struct {
	Stdout, Stderr string
	Code           int // ssh's exit code: the command's, or 255 when the login failed
}

// Login runs a command on the server through the real ssh and waits for its end, at most a minute.
func (s *Server) Login(t testing.TB, c Client, command ...string) Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "ssh", s.Args(c, command...)...)
	cmd.WaitDelay = time.Second
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || ctx.Err() != nil) {
		t.Fatalf("ssh: %v (%v)\n%s", err, ctx.Err(), errs.String())
	}
	return Result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// Args are the arguments of the ssh that Login runs, for tests that run it themselves.
func (s *Server) Args(c Client, command ...string) []string {
	args := []string{"-F", "none", "-T"}
	options := append(append([]string{}, c.Options...),
		"IdentitiesOnly=yes", "IdentityAgent=none", "IdentityFile="+c.Key,
		"UserKnownHostsFile="+s.KnownHosts, "GlobalKnownHostsFile=/dev/null", "StrictHostKeyChecking=yes",
		"BatchMode=yes", "PreferredAuthentications=publickey", "LogLevel=ERROR")
	if c.Certificate != "" {
		options = append(options, "CertificateFile="+c.Certificate)
	}
	for _, o := range options {
		args = append(args, "-o", o)
	}
	args = append(args, "-p", fmt.Sprint(s.Port), c.User+"@127.0.0.1", "--")
	return append(args, command...)
}
