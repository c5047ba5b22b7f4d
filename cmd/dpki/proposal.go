package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"dpki/admin"
	"dpki/admin/home"
)

func (t *tool) proposalCommand() *cli.Command {
	unseen := &cli.BoolFlag{Name: "unseen", Usage: "sign also what cannot be shown here"}
	return noun("proposal", "what needs several signatures, as a file",
		t.proposalCreateCommand(),
		verb("show", "FILE", "say what a proposal would do, and who has signed it", 1, 1, t.proposalShow,
			&cli.BoolFlag{Name: "typed", Usage: "print what is signed, as wallets take it (EIP-712)"}),
		verb("approve", "FILE", "say what a proposal would do, and sign it; this needs no network", 1, 1, t.proposalApprove, unseen),
		verb("attach", "FILE", "add what an account has signed elsewhere: a wallet's key, or a contract such as a Safe (ERC-1271)", 1, 1, t.proposalAttach,
			&cli.StringFlag{Name: "account", Usage: "`ACCOUNT` that has signed"},
			&cli.StringFlag{Name: "signature", Usage: "0x and `HEX`"}),
		verb("submit", "FILE...", "send what enough have signed; copies of one proposal are united; the files are then removed", 1, -1, t.proposalSubmit),
	)
}

func readProposal(file string) (*admin.Proposal, error) {
	text, err := home.Read(file, admin.MaxProposal)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notHere(file, err)
	}
	if err != nil {
		return nil, &admin.Problem{Class: admin.Usage, Text: fmt.Sprintf("proposal %.80q cannot be read", file), Hint: "name the file that a command wrote", Err: err}
	}
	return admin.ParseProposal(text)
}

// review reads a proposal and says what is in it.
func (t *tool) review(c *cli.Context) (*admin.Desk, *admin.Proposal, *admin.Review, error) {
	p, err := readProposal(c.Args().First())
	if err != nil {
		return nil, nil, nil, err
	}
	d, err := t.open()
	if err != nil {
		return nil, nil, nil, err
	}
	r, err := d.ReviewProposal(c.Context, p)
	return d, p, r, err
}

func (t *tool) proposalShow(c *cli.Context) error {
	d, p, r, err := t.review(c)
	if err != nil {
		return err
	}
	if c.Bool("typed") {
		data, err := p.TypedData(p.Anchor.Registry)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(t.stdout, "%s\n", data)
		return err
	}
	return t.show(r, func() { t.printReview(d, r) })
}

func (t *tool) proposalAttach(c *cli.Context) error {
	account, err := parseAccount(c.String("account"))
	if err != nil {
		return err
	}
	signature, err := hex.DecodeString(strings.TrimPrefix(c.String("signature"), "0x"))
	if err != nil {
		return usage("the signature is not hex", "--signature 0x and the digits that the wallet has shown")
	}
	d, p, r, err := t.review(c)
	if err != nil {
		return err
	}
	if err := d.AttachSignature(c.Context, p, r, admin.SignedBy{Account: account, Signature: signature}); err != nil {
		return err
	}
	return t.saveProposal(c.Args().First(), p, r)
}

func (t *tool) printReview(d *admin.Desk, r *admin.Review) {
	needs := fmt.Sprintf("%d %s", r.Needs, r.By)
	if r.Needs == 0 {
		needs = r.By + ", nothing here says how many"
	}
	unchecked := ""
	if len(r.Unchecked) > 0 {
		unchecked = strings.Join(d.ShownAll(r.Unchecked), ", ") + ": a contract's signature, or a wrong one; it cannot be checked offline"
	}
	t.pairs("digest", r.Digest, "needs", needs, "signed", strings.Join(d.ShownAll(r.Signed), ", "), "NOT CHECKED", unchecked, "can sign too", strings.Join(d.ShownAll(r.Missing), ", "), "until", r.Deadline.String())
	for i, ch := range r.Changes {
		window := ""
		if ch.Until != 0 {
			window = fmt.Sprintf("%s to %s", ch.From, ch.Until)
			if ch.From == 0 {
				window = "at once, to " + ch.Until.String()
			}
		}
		t.sayf("")
		t.pairs(fmt.Sprintf("change %d", i+1), ch.Text, "kind", ch.Action+" "+ch.Kind, "in", ch.Scope+" ("+ch.ScopeID+")", "window", window, "subject", ch.Subject, "NOT SHOWN", ch.Unseen)
	}
	if r.Offline {
		t.notef("no endpoint was asked: names and powers are those that were read here before")
	}
}

func (t *tool) proposalApprove(c *cli.Context) error {
	d, p, r, err := t.review(c)
	if err != nil {
		return err
	}
	if !t.json {
		t.printReview(d, r)
	}
	if unseen := r.Unseen(); len(unseen) > 0 && !c.Bool("unseen") {
		return &admin.Problem{Class: admin.No, Text: fmt.Sprintf("%s of the proposal cannot be shown here: %s", plural(len(unseen), "change"), unseen[0].Unseen),
			Hint: "approve it where it can be shown; or ask its author, and give --unseen"}
	}
	if err := t.confirm(fmt.Sprintf("Sign %s, as shown?", plural(len(r.Changes), "change")), "read it, and give --yes"); err != nil {
		return err
	}
	if t.dryRun {
		return t.would("nothing was signed")
	}
	if err := d.ApproveProposal(c.Context, p, r); err != nil {
		return err
	}
	return t.saveProposal(c.Args().First(), p, r)
}

func (t *tool) saveProposal(file string, p *admin.Proposal, r *admin.Review) error {
	if t.dryRun {
		return t.would("nothing was written")
	}
	text, err := p.Marshal()
	if err == nil {
		err = home.Replace(file, text)
	}
	if err != nil {
		return &admin.Problem{Class: admin.Failed, Text: "the signature could not be written", Hint: "copy the file to a folder that you may write to, and approve it there", Err: err}
	}
	return t.show(map[string]any{"file": file, "signed": len(p.Signed), "needs": r.Needs}, func() {
		t.sayf("")
		t.sayf("signed, %s in %s", plural(len(p.Signed), "signature"), file)
	})
}

func (t *tool) proposalSubmit(c *cli.Context) error {
	p, err := readProposal(c.Args().First())
	if err != nil {
		return err
	}
	for _, file := range c.Args().Tail() {
		other, err := readProposal(file)
		if err != nil {
			return err
		}
		if err := p.Unite(other); err != nil {
			return err
		}
	}
	d, err := t.open()
	if err != nil {
		return err
	}
	posted, err := d.SubmitProposal(c.Context, p)
	if err != nil {
		return err
	}
	err = t.show(map[string]any{"transaction": posted}, func() {
		if !t.dryRun {
			t.sayf("written, with %s", plural(len(p.Signed), "signature"))
		}
		t.posted(posted)
	})
	if !t.dryRun {
		t.removeSubmitted(c.Args().Slice())
	}
	return err
}

// removeSubmitted takes away files that were sent and are no use any more.
func (t *tool) removeSubmitted(files []string) {
	for _, file := range files {
		switch err := os.Remove(file); {
		case err == nil:
			t.notef("removed %s", file)
		case !errors.Is(err, fs.ErrNotExist):
			t.notef("%v", err)
		}
	}
}

// notHere is said of a file that others sign, where there is none.
func notHere(file string, err error) error {
	return &admin.Problem{Class: admin.Usage, Text: fmt.Sprintf("there is no file %.80q", file), Hint: "name the file that a command wrote; submit removes it once it is sent, and dpki log says whether it was", Err: err}
}
