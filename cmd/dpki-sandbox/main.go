// Command dpki-sandbox is an Ethereum chain and a content store on loopback, to
// try DPKI on and to test it with. It is durable across kill -9 and ready in
// under a second.
//
//	dpki-sandbox [--dir DIR] [--port N] [--hold-back N] [--block-time D] [--heartbeat D]
//
// In DIR it keeps the chain, the blocks of the content store, network.toml (the
// network file to give to every other command), and an account with 1,000 ether:
// admin.json (a keystore) opened by admin.passphrase, both of mode 0600. Once it
// serves it prints one line; SIGTERM or SIGINT ends it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"dpki/internal/devchain"
)

const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	cancel()
	os.Exit(code)
}

// define gives the flags, and where their values come to stand.
func define() (flags *flag.FlagSet, dir *string, o *devchain.Options) {
	flags, o = flag.NewFlagSet("dpki-sandbox", flag.ContinueOnError), &devchain.Options{}
	dir = flags.String("dir", "", "`folder` to keep everything in (default: ~/.local/state/dpki-sandbox, or where XDG_STATE_HOME says)")
	flags.IntVar(&o.Port, "port", 0, "loopback `port`; 0 takes the last one again, or a free one")
	flags.Uint64Var(&o.HoldBack, "hold-back", 0, "`blocks` that safe and finalized stay behind the head")
	flags.DurationVar(&o.BlockTime, "block-time", 0, "make a block every so often, a `duration` of whole seconds (default: on demand)")
	flags.DurationVar(&o.Heartbeat, "heartbeat", 5*time.Second, "make an empty block when none was made for a `duration`, so that devices see time pass; 0: never")
	return flags, dir, o
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags, dir, o := define()
	flags.SetOutput(stderr)
	flags.Usage = func() { help(flags) }
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return exitDone
		}
		return exitUsage
	}
	if flags.NArg() > 0 {
		return fail(stderr, exitUsage, fmt.Errorf("unexpected argument %q", flags.Arg(0)), "all arguments are flags; see --help")
	}
	if o.BlockTime%time.Second != 0 {
		return fail(stderr, exitUsage, fmt.Errorf("block time %v: blocks have times of whole seconds", o.BlockTime), "--block-time 1s is the least")
	}
	if *dir == "" {
		d, err := defaultDir()
		if err != nil {
			return fail(stderr, exitUsage, err, "name a folder with --dir")
		}
		*dir = d
	}
	if err := serve(ctx, *dir, *o, stdout); err != nil {
		return fail(stderr, exitFailed, err, "another dpki-sandbox may be using the folder or the port")
	}
	return exitDone
}

// help says what it is and what to do with it, with flags as they are written in
// all documents.
func help(flags *flag.FlagSet) {
	w := flags.Output()
	fmt.Fprint(w, `dpki-sandbox: an Ethereum chain with the contract, and a content store, on loopback, to try DPKI on.
It prints one line when it is ready, and runs until it is interrupted. Then, with the folder from that line:

   dpki network use FOLDER/network.toml
   dpki identity create --chain-key FOLDER/admin.json     (its passphrase is in FOLDER/admin.passphrase)
   dpki org create NAME

Another administrator's account is given coin by (in hex, of 10^-18; here a hundredth of 10^18):

   curl -H 'Content-Type: application/json' http://127.0.0.1:PORT \
        -d '{"jsonrpc":"2.0","id":1,"method":"sandbox_fund","params":["ACCOUNT","0x2386f26fc10000"]}'

OPTIONS:
`)
	flags.VisitAll(func(f *flag.Flag) {
		value, text := flag.UnquoteUsage(f)
		if f.DefValue != "" && f.DefValue != "0" && f.DefValue != "0s" {
			text += " (default: " + f.DefValue + ")"
		}
		fmt.Fprintf(w, "   --%-24s %s\n", f.Name+" "+strings.ToUpper(value), text)
	})
}

func fail(w io.Writer, code int, err error, hint string) int {
	fmt.Fprintf(w, "dpki-sandbox: error: %v\ndpki-sandbox: hint: %s\n", err, hint)
	return code
}

func defaultDir() (string, error) {
	if d := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, "dpki-sandbox"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, ".local", "state", "dpki-sandbox"), nil
}

// start takes the last port again where none is asked for, so that a network
// file that somebody copied keeps working after a restart.
func start(ctx context.Context, o devchain.Options, last int) (*devchain.Chain, error) {
	if o.Port == 0 && last != 0 {
		again := o
		again.Port = last
		if c, err := devchain.Start(ctx, again); err == nil {
			return c, nil
		}
	}
	return devchain.Start(ctx, o)
}

// serve runs the chain until the context ends.
func serve(ctx context.Context, dir string, o devchain.Options, stdout io.Writer) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	o.Dir = filepath.Join(dir, "chain")
	startCtx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	c, err := start(startCtx, o, lastPort(dir))
	if err != nil {
		return err
	}
	defer c.Close()
	if err := writeFiles(dir, c); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "dpki-sandbox ready: %s network %s keystore %s address %s\n",
		c.HTTP, filepath.Join(dir, networkName), filepath.Join(dir, keystoreName), c.AdminAddress())
	<-ctx.Done()
	return nil
}
