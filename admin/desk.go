package admin

import (
	"context"
	"time"

	"dpki/admin/fault"
	"dpki/admin/home"
	"dpki/admin/ledger"
	"dpki/bundle"
	"dpki/bundle/store"
	"dpki/internal/anchor"
	"dpki/internal/network"
	"dpki/registry/post"
	"dpki/state"
)

// Config is what a Desk works with.
type Config struct {
	Home     home.Home
	Anchor   anchor.Anchor
	Network  network.File
	Identity *bundle.Identity
	Ledger   *ledger.Ledger
	// Stores are read one after the other and written all at once.
	Stores *store.Multi
	// Receipts are asked for what devices say of themselves.
	Receipts []ReceiptSource
	// Account is the chain account that writes are made from. It is known
	// without opening the key.
	Account state.Address
	// Poster signs and sends; it opens the chain key when it first signs.
	Poster post.Poster
	// Unlock opens the chain key early: a wrong passphrase must be found before
	// anything is stored or signed. It is called before each write.
	Unlock func() error
	// Waiting, unless nil, is told that an earlier command's transaction is waited
	// for, and its nonce.
	Waiting func(nonce uint64)
	// Passphrase opens a CA's key file.
	Passphrase func(what string) ([]byte, error)
	// AgentSocket is where an ssh-agent listens that may hold CA keys; may be empty.
	AgentSocket string
	// DryRun estimates instead of writing.
	DryRun bool
	// Propose writes proposals instead of sending; nil sends what this account may.
	Propose *Proposing
	// Now is the wall clock; nil is time.Now.
	Now func() time.Time
}

// Desk is one administrator at work for one organisation. It is not safe for
// concurrent use.
type Desk struct {
	Config
	roster  *bundle.Roster
	called  *callings
	ring    *bundle.Ring
	cache   *store.Cache
	views   views
	watched int // Ledger.Moves when a monitor last read names
	opened  bool
	since   uint64 // the block up to which the log was read first; 0 = not yet
	settled bool   // nothing that this account sent before this command is on its way
	// until when batches say who is enrolled, and which keys a zone has
	announced     map[state.Word]announcedFor
	announcedKeys map[zoneKey]announcedFor
	torn          map[zoneKey]bool // keys that two administrators made under one number
	unasked       bool             // what was read before is enough: nobody is asked
	nextChain     string           // network file of the chain on which the organisation goes on, for AnnounceNetwork
	warnings      []string
}

// New makes a Desk. Nothing is read until a use case needs it.
func New(c Config) *Desk {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Desk{
		Config: c, roster: &bundle.Roster{Version: 1}, called: newCallings(), ring: bundle.NewRing(c.Anchor),
		cache: &store.Cache{Kept: store.Folder{Path: c.Home.Blocks(c.Anchor.Org)}, Stores: c.Stores},
	}
}

// Warnings are what the administrator should hear although it worked.
func (d *Desk) Warnings() []string {
	all := d.warnings
	for _, err := range d.Ledger.Alarms() {
		all = append(all, err.Error())
	}
	return all
}

func (d *Desk) warn(text string) {
	for _, w := range d.warnings {
		if w == text {
			return
		}
	}
	d.warnings = append(d.warnings, text)
}

// read brings scopes up to date, whether they were read before or not.
func (d *Desk) read(ctx context.Context, scopes ...state.Word) error {
	if d.unasked {
		return nil
	}
	err := d.Ledger.Read(ctx, scopes...)
	if err == nil && d.since == 0 {
		d.since = d.Ledger.Head().Number
	}
	return fault.Chain(err, d.Network)
}

// need reads those of the scopes that this Desk has not read yet.
func (d *Desk) need(ctx context.Context, scopes ...state.Word) error {
	if missing := d.Ledger.Missing(scopes...); len(missing) > 0 {
		return d.read(ctx, missing...)
	}
	return nil
}
