package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/crypto/ssh"

	"dpki/admin"
	"dpki/admin/home"
)

// watchdogFlags are those of policies that name watchdogs, and after them the others.
func watchdogFlags(others ...cli.Flag) []cli.Flag {
	return append([]cli.Flag{
		&cli.StringSliceFlag{Name: "watchdog", Usage: "what is delivered must be signed by the key of this public key `FILE`; name each watchdog"},
		&cli.IntFlag{Name: "cosigners", Usage: "`NUMBER` of watchdogs that must sign", DefaultText: "all"},
		&cli.StringSliceFlag{Name: "cosigned", Usage: "they sign `WHAT`: user-key, host-cert, ca, files (default: all of these)"},
	}, others...)
}

func (t *tool) watchCommand() *cli.Command {
	compare := func() cli.Flag {
		return &cli.StringSliceFlag{Name: "compare", Usage: "compare files with those here: a file, or a folder with all in it: `PATH`"}
	}
	return noun("watch", "deliveries that watchdogs must sign before devices take them",
		verb("show", "FILE", "say what would be delivered, and who has signed it", 1, 1, t.watchShow, compare()),
		verb("sign", "FILE", "say what would be delivered, and sign it; this needs no network and no account", 1, 1, t.watchSign,
			&cli.StringFlag{Name: "key", Usage: "private key `FILE`, or a public one whose private half the ssh-agent has"}, compare()),
		verb("submit", "FILE...", "announce what enough watchdogs have signed; copies of one file are united; the files are then removed", 1, -1, t.watchSubmit),
	)
}

func readWatchFile(file string) (*admin.WatchFile, error) {
	text, err := home.Read(file, admin.MaxWatchFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notHere(file, err)
	}
	if err != nil {
		return nil, &admin.Problem{Class: admin.Usage, Text: fmt.Sprintf("%.80q cannot be read", file), Hint: "name the file that dpki deliver wrote", Err: err}
	}
	return admin.ParseWatchFile(text)
}

func (t *tool) watchShow(c *cli.Context) error {
	w, err := readWatchFile(c.Args().First())
	if err != nil {
		return err
	}
	shown := w.Show()
	if err := t.compare(c, w, shown); err != nil {
		return err
	}
	return t.show(shown, func() { t.printWatched(shown) })
}

// compare adds what files here say to what is shown.
func (t *tool) compare(c *cli.Context, w *admin.WatchFile, shown *admin.WatchShown) error {
	paths := c.StringSlice("compare")
	if len(paths) == 0 {
		return nil
	}
	lines, differ, err := w.Compare(paths)
	if err != nil {
		return err
	}
	if shown.Compared = lines; differ > 0 {
		for _, line := range lines {
			t.notef("%s", line)
		}
		return &admin.Problem{Class: admin.No, Text: pluralOf(differ, "file is", "files are") + " not what lies here", Hint: "do not sign it before you know why"}
	}
	return nil
}

func (t *tool) printWatched(w *admin.WatchShown) {
	t.pairs("organisation", w.Anchor, "asked by", w.Asker, "signed", strings.Join(w.Signed, ", "))
	for _, n := range w.Needs {
		t.sayf("needs %d of %s", n.Need, strings.Join(n.Watchdogs, " "))
	}
	for _, line := range w.Compared {
		t.sayf("%s", line)
	}
	for _, d := range w.Deliveries {
		t.sayf("")
		for i, line := range d {
			if i > 0 {
				line = "  " + line
			}
			t.sayf("%s", line)
		}
	}
}

func (t *tool) watchSign(c *cli.Context) error {
	file := c.Args().First()
	w, err := readWatchFile(file)
	if err != nil {
		return err
	}
	if c.String("key") == "" {
		return usage("by which key?", "give --key FILE: the key whose public half the policy names")
	}
	signer, done, err := t.signer(c)
	if err != nil {
		return err
	}
	defer done.Close()
	shown := w.Show()
	if err := t.compare(c, w, shown); err != nil {
		return err
	}
	if !shown.Asks(signer.PublicKey()) {
		return &admin.Problem{Class: admin.Failed, Text: fmt.Sprintf("the policy names no watchdog %s", ssh.FingerprintSHA256(signer.PublicKey())), Hint: "sign by a key that dpki watch show names"}
	}
	if !t.json {
		t.printWatched(shown)
	}
	if err := t.confirm(fmt.Sprintf("Sign %s, as shown?", pluralOf(len(w.Deliveries), "delivery", "deliveries")), "read it, and give --yes"); err != nil {
		return err
	}
	if t.dryRun {
		return t.would("nothing was signed")
	}
	if err := w.Sign(signer); err != nil {
		return &admin.Problem{Class: admin.Failed, Text: "the key did not sign", Hint: "see ssh-add -l; a security key wants to be touched", Err: err}
	}
	text, err := w.Marshal()
	if err == nil {
		err = home.Replace(file, text)
	}
	if err != nil {
		return &admin.Problem{Class: admin.Failed, Text: "the signature could not be written", Hint: "copy the file to a folder that you may write to, and sign it there", Err: err}
	}
	return t.show(w.Show(), func() {
		t.sayf("")
		t.sayf("signed, %s in %s", plural(len(w.Signatures), "signature"), file)
	})
}

func (t *tool) watchSubmit(c *cli.Context) error {
	w, err := readWatchFile(c.Args().First())
	if err != nil {
		return err
	}
	for _, file := range c.Args().Tail() {
		other, err := readWatchFile(file)
		if err != nil {
			return err
		}
		if err := w.Unite(other); err != nil {
			return err
		}
	}
	d, err := t.open()
	if err != nil {
		return err
	}
	out, err := d.SubmitWatched(c.Context, w)
	if err := t.showDeliveries(out, err); err != nil || t.dryRun {
		return err
	}
	t.removeSubmitted(c.Args().Slice())
	return nil
}

// pluralOf is plural of a word that changes.
func pluralOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
