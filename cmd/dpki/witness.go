package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"dpki/admin"
	"dpki/admin/home"
	"dpki/internal/file"
	"dpki/internal/network"
	"dpki/registry/source"
	"dpki/registry/verify"
	"dpki/registry/witness"
	"dpki/registry/witness/signer"
)

func (t *tool) witnessCommand() *cli.Command {
	key := &cli.StringFlag{Name: "key", Usage: "the witness's key in `FILE`, from dpki witness key"}
	return noun("witness", "sign the blocks of a node of one's own, so that endpoints which all lie are not believed",
		verb("key", "FILE", "make a witness's key, or show the one that is there; print its public half", 1, 1, t.witnessKey),
		verb("run", "", "sign what a node shows, until stopped", 0, 0, t.witnessRun, key,
			&cli.StringFlag{Name: "node", Usage: "`URL` of a node that nobody else runs, best over ws on the same machine"},
			&cli.StringFlag{Name: "out", Usage: "write the newest checkpoint below `DIR`, as witness/KEY: for a mirror's --dir, a web server, a folder that is copied"},
			&cli.StringFlag{Name: "listen", Usage: "serve it by HTTP at `ADDRESS`, host:port; port 0 takes a free one"},
			&cli.DurationFlag{Name: "every", Usage: "look at the node every `DURATION`, where it announces no blocks", Value: 2 * time.Second},
		),
		verb("verify", "", "fetch what the network's witnesses have signed, and compare it with the endpoints", 0, 0, t.witnessVerify),
		verb("rotate", "OLD-FILE NEW-FILE", "as a witness of the old network file, agree to the witnesses of the new one", 2, 2, t.witnessRotate, key),
	)
}

func (t *tool) witnessKey(c *cli.Context) error {
	path := c.Args().First()
	if t.dryRun {
		return t.would("would make a key in %s, unless there is one; nothing was made", path)
	}
	private, err := signer.CreateKey(path)
	if errors.Is(err, file.ErrExists) {
		private, err = signer.LoadKey(path)
	}
	if err != nil {
		return witnessKeyProblem(err)
	}
	public := witness.KeyOf(private)
	return t.show(map[string]string{"key": public.String(), "file": path}, func() {
		t.sayf("%s", public)
		t.notef("name it in the network file: [[witness]] name, key, and the url or path where its checkpoints lie")
	})
}

func witnessKeyProblem(err error) error {
	return &admin.Problem{Class: admin.Usage, Text: "the witness's key cannot be used", Hint: "dpki witness key FILE makes one", Err: err}
}

func (t *tool) witnessRun(c *cli.Context) error {
	if c.String("key") == "" || c.String("node") == "" {
		return usage("by which key, and which node's blocks?", "dpki witness run --key FILE --node URL, with --out DIR or --listen ADDRESS")
	}
	private, err := signer.LoadKey(c.String("key"))
	if err != nil {
		return witnessKeyProblem(err)
	}
	n, err := t.mirroredNetwork()
	if err != nil {
		return err
	}
	node, err := source.Dial(c.String("node"))
	if err != nil {
		return usage(fmt.Sprintf("--node %q cannot be asked", source.Name(c.String("node"))), "give http://, https://, ws:// or wss://HOST:PORT")
	}
	defer node.Close()
	if c.String("out") == "" && c.String("listen") == "" {
		return usage("nobody would see what is signed", "give --out DIR, --listen ADDRESS or both")
	}
	if c.Duration("every") <= 0 {
		return usage("--every must be positive", "leave it out for 2s")
	}
	newest := &signer.Newest{Key: witness.KeyOf(private)}
	publish, err := publisher(c.String("out"), newest.Key)
	if err != nil {
		return err
	}
	for _, url := range n.Endpoints {
		if network.Voice(url) == network.Voice(c.String("node")) {
			t.notef("warning: the node is one of the network's endpoints: a witness that believes whom devices believe adds nothing")
		}
	}
	ctx, cancel := context.WithCancel(c.Context)
	defer cancel()
	served := make(chan error, 1)
	if address := c.String("listen"); address != "" {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return &admin.Problem{Class: admin.Failed, Text: "the witness cannot listen", Hint: "another program may use the port: give --listen another one", Err: err}
		}
		t.sayf("dpki witness serves its checkpoints at http://%s", l.Addr())
		go func() { served <- serveUntil(ctx, l, newest); cancel() }()
	} else {
		served <- nil
	}
	t.sayf("dpki witness %s signs chain %d", newest.Key, n.ChainID)
	log := &witnessLog{tool: t}
	signer.New(signer.Config{Node: node, ChainID: n.ChainID, Key: private, Every: c.Duration("every"), Publish: publish, Serve: newest.Set, Log: log.event}).Run(ctx)
	cancel()
	return <-served
}

// publisher puts a checkpoint as a whole into its file; nil without a folder.
func publisher(dir string, key witness.Key) (func([]byte) error, error) {
	if dir == "" {
		return nil, nil
	}
	path := filepath.Join(dir, source.WitnessFolder, key.String())
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, &admin.Problem{Class: admin.Failed, Text: "the folder for checkpoints cannot be made", Hint: "give --out a folder that this account may write to", Err: err}
	}
	return func(b []byte) error { return home.Publish(path, b) }, nil
}

// witnessLog says what changes: the first block, trouble and its end, blocks that
// were replaced. A line for each block would say nothing.
type witnessLog struct {
	tool    *tool
	began   bool
	trouble string
}

func (l *witnessLog) event(e signer.Event) {
	if e.Err != nil {
		if text := e.Err.Error(); text != l.trouble {
			l.trouble = text
			l.tool.notef("nothing was signed: %s", text)
		}
		return
	}
	if !l.began || l.trouble != "" {
		l.began, l.trouble = true, ""
		l.tool.notef("block %d of %s is signed, final %d", e.Checkpoint.Number, admin.Time(e.Checkpoint.Time), e.Checkpoint.Finalized)
	}
	if e.Replaced > 0 {
		l.tool.notef("the chain has replaced %s that had been signed", plural(e.Replaced, "block"))
	}
}

func (t *tool) witnessVerify(c *cli.Context) error {
	n, err := t.currentNetwork()
	if err != nil {
		return err
	}
	if len(n.Witnesses) == 0 {
		return &admin.Problem{Class: admin.No, Text: "network " + n.Name + " names no witness", Hint: "docs/operations.md, \"Witnesses\", says how to begin"}
	}
	w, err := witnesses(n)
	if err != nil {
		return err
	}
	ends, err := endpoints(n)
	if err != nil {
		return err
	}
	reports := admin.CheckWitnesses(c.Context, n, w, ends, time.Now())
	good := 0
	var against error
	for _, r := range reports {
		if r.OK {
			good++
		}
		if errors.Is(r.Err, admin.ErrContradiction) {
			against = r.Err
		}
	}
	err = t.show(reports, func() {
		var rows [][]string
		for _, r := range reports {
			row := []string{r.Name, "-", "-", "-", r.Problem}
			if r.Blocks > 0 {
				row = []string{r.Name, fmt.Sprint(r.Block), r.Time.String(), fmt.Sprint(r.Final), r.Problem}
			}
			if r.OK {
				row[4] = "as the endpoints have it"
			}
			rows = append(rows, row)
		}
		t.table([]string{"WITNESS", "BLOCK", "TIME", "FINAL", "FOUND"}, rows, "no witness")
	})
	switch {
	case err != nil:
		return err
	case against != nil:
		return &admin.Problem{Class: admin.No, Text: "witnesses and endpoints contradict one another", Hint: "find out which of them somebody has taken over; devices believe neither until they agree", Err: against}
	case good < n.WitnessAgree:
		return &admin.Problem{Class: admin.Later, Text: fmt.Sprintf("%d of %d witnesses sign, %d must: devices will call their state old", good, len(reports), n.WitnessAgree),
			Hint: "start dpki witness run where it does not run"}
	}
	return nil
}

// witnessPatience is how long a command waits for the newest block to be signed:
// longer than a witness that polls its node takes.
const witnessPatience = 15 * time.Second

// witnesses are those of a network file, as a reader asks for them.
func witnesses(n network.File) (verify.Witnesses, error) {
	w := verify.Witnesses{Agree: n.WitnessAgree, Patience: witnessPatience}
	var common []verify.CheckpointSource
	places := append([]string{}, n.Mirrors...)
	for _, s := range n.Stores {
		if s.Type == network.Folder {
			places = append(places, s.Path)
		}
	}
	open := func(place string) (verify.CheckpointSource, error) {
		p, err := source.OpenCheckpoints(place)
		if err != nil {
			return nil, &admin.Problem{Class: admin.Usage, Text: "the network file names a place of checkpoints that cannot be used", Hint: "dpki network show", Err: err}
		}
		return p, nil
	}
	for _, place := range places {
		p, err := open(place)
		if err != nil {
			return w, err
		}
		common = append(common, p)
	}
	for _, one := range n.Witnesses {
		v := verify.Witness{Name: "witness " + one.Name, Key: one.Key}
		for _, place := range []string{one.URL, one.Path} {
			if place == "" {
				continue
			}
			p, err := open(place)
			if err != nil {
				return w, err
			}
			v.Places = append(v.Places, p)
		}
		v.Places = append(v.Places, common...)
		w.All = append(w.All, v)
	}
	return w, nil
}

func (t *tool) witnessRotate(c *cli.Context) error {
	if c.String("key") == "" {
		return usage("by which key?", "dpki witness rotate OLD-FILE NEW-FILE --key FILE")
	}
	private, err := signer.LoadKey(c.String("key"))
	if err != nil {
		return witnessKeyProblem(err)
	}
	old, err := loadNetworkFile(c.Args().Get(0))
	if err != nil {
		return err
	}
	path := c.Args().Get(1)
	next, err := loadNetworkFile(path)
	if err != nil {
		return err
	}
	_, conf, err := t.config()
	if err != nil {
		return err
	}
	_, org, err := t.organisation(conf)
	if err != nil {
		return err
	}
	r, err := admin.SignRotation(org.Anchor.String(), old, &next, private)
	if err != nil {
		return err
	}
	text, err := next.Marshal()
	if err != nil {
		return err
	}
	if t.dryRun {
		return t.would("would sign; %s was not changed", path)
	}
	if err := home.Publish(path, text); err != nil {
		return &admin.Problem{Class: admin.Failed, Text: "the new network file cannot be written", Hint: "make its folder writable", Err: err}
	}
	missing := max(0, r.Old.Agree-len(r.Signatures))
	return t.show(map[string]any{"version": r.New.Version, "signatures": len(r.Signatures), "missing": missing}, func() {
		if missing > 0 {
			t.sayf("signed by %d of %d: give %s to another witness", len(r.Signatures), r.Old.Agree, path)
			return
		}
		t.sayf("signed by %d: devices take witnesses of version %d from %s", len(r.Signatures), r.New.Version, path)
	})
}

func loadNetworkFile(path string) (network.File, error) {
	n, err := network.Load(path)
	if err != nil {
		return n, &admin.Problem{Class: admin.Usage, Text: "the network file cannot be used", Hint: "docs/formats.md section 8 has the form", Err: err}
	}
	return n, nil
}

// witnessChecks are doctor's: one for each witness of the network.
func (t *tool) witnessChecks(ctx context.Context, n network.File) ([]admin.Check, error) {
	if len(n.Witnesses) == 0 {
		return nil, nil
	}
	w, err := witnesses(n)
	if err != nil {
		return nil, err
	}
	ends, err := endpoints(n)
	if err != nil {
		return nil, err
	}
	var checks []admin.Check
	for _, r := range admin.CheckWitnesses(ctx, n, w, ends, time.Now()) {
		k := admin.Check{What: r.Name, Standing: admin.Good, Text: fmt.Sprintf("has signed block %d of %s", r.Block, r.Time)}
		if !r.OK {
			k.Standing, k.Text, k.Hint = admin.Warn, r.Problem, "dpki witness verify"
		}
		if errors.Is(r.Err, admin.ErrContradiction) {
			k.Standing = admin.Bad
		}
		checks = append(checks, k)
	}
	return checks, nil
}
