// Command dpki is the administrator's side of DPKI: organisations, zones,
// certificate authorities, devices, grants.
//
//	dpki [GLOBAL] NOUN VERB [ARGUMENT] [FLAGS]
//
// Flags stand anywhere; `--` ends them. Data goes to stdout, errors and hints to
// stderr. Exit status: 0 done, 1 failed, 2 usage or configuration, 3 the answer
// is no, 4 try later; `dpki ssh` gives ssh's own and 255 for ours.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// version is set when a release is built.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // the second signal ends what does not heed the first
	code := run(ctx, os.Args, os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
