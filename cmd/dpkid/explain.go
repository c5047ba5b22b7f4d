package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"dpki/device/answer"
	"dpki/internal/socket"

	"github.com/urfave/cli/v2"
)

func (e *env) explainCommand() *cli.Command {
	return &cli.Command{
		Name: "explain", Usage: "would this key be let in, and why; 0 = yes, 3 = no", ArgsUsage: "ACCOUNT KEY-OR-CERTIFICATE-FILE",
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print it as JSON"}},
		Action: e.arguments(2, 2, e.explain),
	}
}

func (e *env) explain(c *cli.Context) error {
	if err := root(); err != nil {
		return err
	}
	text, err := readFile(c.Args().Get(1), 64<<10)
	if err != nil {
		return err
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return usage("give the file that ends in .pub, or the certificate's", "%s holds no public key", c.Args().Get(1))
	}
	var r answer.Record
	if err := e.ask(c.Context, &r, socket.Explain, c.Args().First(), fields[0], fields[1]); err != nil {
		return err
	}
	if c.Bool("json") {
		if err := json.NewEncoder(e.stdout).Encode(r); err != nil {
			return err
		}
	} else if err := e.showExplained(r); err != nil {
		return err
	}
	if !r.Allow {
		return &failure{code: exitNo}
	}
	return nil
}

// showExplained prints what `dpki explain` prints, as this device sees it.
func (e *env) showExplained(r answer.Record) error {
	var b strings.Builder
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, "%-12s %s\n", name, text)
		}
	}
	if r.Allow {
		line("answer", r.Account+" would be let in")
	} else {
		line("answer", r.Account+" would be refused: "+r.Reason)
	}
	line("next", r.Next)
	line("key", r.Fingerprint)
	line("ca", r.CA)
	line("grant", r.Grant)
	if r.Grant != "" {
		line("until", time.Unix(int64(r.Until), 0).UTC().Format(time.RFC3339))
	}
	line("break-glass", r.BreakGlassFile)
	line("judged", fmt.Sprintf("block %d, %s, %v old", r.Block, r.Freshness, time.Duration(r.Age)*time.Second))
	_, err := io.WriteString(e.stdout, b.String())
	return err
}
