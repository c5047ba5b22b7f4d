package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"dpki/admin/login"
)

// likeSSH lets `dpki ssh` stand where a program expects ssh itself: as scp -S, sftp -S, rsync -e, GIT_SSH_COMMAND. Those call it as
//
//	ssh [OPTIONS] [-l USER] [--] [USER@]HOST COMMAND ...
//
// with options of ssh's own in front of the host, and a command behind it that holds flags of another program. The line is put as
//
//	dpki ... ssh [our flags] DEVICE -- [ssh's options] [-- COMMAND ...]
//
// Our flags are those with two dashes, and -a; they may also stand behind the device, before the command. Another command's line is left alone.
func likeSSH(app *cli.App, args []string) []string {
	at := 1
	for at < len(args) && strings.HasPrefix(args[at], "-") {
		at += length(app.Flags, args[at])
	}
	if at >= len(args) || args[at] != "ssh" {
		return args
	}
	flags := slices.Concat(app.Flags, app.Command("ssh").Flags)
	var ours, theirs, command []string
	device := ""
	for rest := args[at+1:]; len(rest) > 0; {
		token := rest[0]
		n := 1
		switch {
		case token == "--" && device == "" && len(rest) > 1:
			// Whoever writes this means a name, as scp does with one that may have come from anywhere: it is no option, and what
			// follows is the command.
			ours, device = named(ours, rest[1])
			command, rest = rest[2:], nil
			if n = 0; len(command) > 0 {
				command = append([]string{"--"}, command...)
			}
		case token == "--":
			command, rest = rest[1:], nil // ssh's options may still be among these
			n = 0
		case strings.HasPrefix(token, "--") || token == "-a" || token == "-h":
			n = min(length(flags, token), len(rest))
			ours = append(ours, rest[:n]...)
		case strings.HasPrefix(token, "-l"):
			n = min(login.OptionLength(token), len(rest))
			ours = append(ours, "--account", strings.TrimPrefix(strings.Join(rest[:n], ""), "-l"))
		case len(token) > 1 && token[0] == '-':
			n = min(login.OptionLength(token), len(rest))
			theirs = append(theirs, rest[:n]...)
		case device == "":
			ours, device = named(ours, token)
		default:
			command, rest = append([]string{"--"}, rest...), nil
			n = 0
		}
		rest = rest[n:]
	}
	if device == "" {
		return args // help, or a usage error
	}
	if strings.HasPrefix(device, "-") {
		ours = append(ours, "--")
	}
	return slices.Concat(args[:at+1], ours, []string{device, "--"}, theirs, command)
}

// named takes [USER@]HOST apart.
func named(ours []string, token string) (flags []string, device string) {
	if account, host, ok := strings.Cut(token, "@"); ok {
		return append(ours, "--account", account), host
	}
	return ours, token
}

// length is how many arguments a flag of ours takes: 2 with a value behind it. One that is not ours is left for its refusal.
func length(flags []cli.Flag, token string) int {
	for _, f := range flags {
		if _, boolean := f.(*cli.BoolFlag); !boolean && slices.Contains(f.Names(), strings.TrimLeft(token, "-")) {
			return 2
		}
	}
	return 1
}
