package separation

import (
	"slices"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/sshca/profile"
	"dpki/state"
)

// class is a sort of key. Of some there are several, all alike.
type class int

const (
	userCA class = iota
	grantsAdmin
	zoneAdmin // of plant
	enroller
	rootAdmin
	guardian
	neighbour // a device of the zone
	itself    // the very device
	user
	witnessKey
	endpoint
	classes
)

// has is how many there are of each.
var has = set{1, 1, 1, 1, 3, 3, 1, 1, 1, 3, 1}

// set is how many keys of each class are stolen.
type set [classes]int8

// asked are the classes that an attempt asked for.
type asked [classes]bool

// thief is one attempt: a fork of the world, and the keys that he has.
type thief struct {
	*world
	c       *chain
	stolen  set
	asked   asked
	lying   bool // a device is shown another chain
	watched bool // the roots look, and veto what can be

	recovered bool // the guardians' power made him root
}

// of is how many keys of a class he has. There is no other way to a key.
func (t *thief) of(c class) int {
	t.asked[c] = true
	return int(t.stolen[c])
}

func (t *thief) has(c class) bool { return t.of(c) > 0 }

// admins are the administrators whose accounts he has.
func (t *thief) admins() (list []holder) {
	for _, one := range []struct {
		class
		holder
	}{{grantsAdmin, t.grants}, {zoneAdmin, t.officer}, {enroller, t.world.enroller}} {
		if t.has(one.class) {
			list = append(list, one.holder)
		}
	}
	list = append(list, t.roots[:t.of(rootAdmin)]...)
	return list
}

// ring is every scope's key that he has: an administrator's machine has those that
// he needs, a device those of its zone and its own.
func (t *thief) ring() *bundle.Ring {
	r := bundle.NewRing(t.org)
	add := func(scopes ...state.Word) {
		for _, s := range scopes {
			switch s {
			case t.plant, t.office:
				for _, k := range t.zoneKeys[s] {
					t.must(r.Add(s, k.ID, k.Key))
				}
			default:
				for _, g := range t.fleet {
					if g.mailbox == s {
						t.must(r.AddMailbox(s, g.identity.MailboxSecret()))
					}
				}
			}
		}
	}
	if t.has(grantsAdmin) || t.has(enroller) || t.has(rootAdmin) {
		add(t.plant, t.office, t.gate7.mailbox, t.gate8.mailbox, t.gate9.mailbox, t.desk1.mailbox)
		return r
	}
	if t.has(zoneAdmin) {
		add(t.plant, t.gate7.mailbox, t.gate8.mailbox, t.gate9.mailbox)
	}
	if t.has(neighbour) {
		add(t.plant, t.gate8.mailbox)
	}
	if t.has(itself) {
		add(t.plant, t.gate7.mailbox)
	}
	return r
}

// sealed is an entry for a scope. Who has no key of it guesses one. The same entry
// is sealed once, so that attempts that do the same make the same blocks.
func (t *thief) sealed(name string, ring *bundle.Ring, scope state.Word, seal func(*bundle.Ring) contracts.Change) contracts.Change {
	t.Helper()
	if !ring.Has(scope) {
		name += ", guessed"
	}
	name += " " + scope.String()
	if c, ok := t.world.sealed[name]; ok {
		return c
	}
	if !ring.Has(scope) {
		ring = bundle.NewRing(t.org)
		t.must(ring.Add(scope, 1, t.thief.guess))
	}
	t.world.sealed[name] = seal(ring)
	return t.world.sealed[name]
}

// ownGrant is for the thief's own key, into the mailbox or, where he has that
// key alone, the zone.
func (t *thief) ownGrant(ring *bundle.Ring, g *gadget, kind state.Kind, account string) (contracts.Group, contracts.Change) {
	t.Helper()
	scope := g.mailbox
	if !ring.Has(scope) && ring.Has(g.zone) {
		scope = g.zone
	}
	c := t.sealed("grant "+kind.String()+account, ring, scope, func(r *bundle.Ring) contracts.Change {
		return t.grantEntry(r, scope, kind, account, t.thief.key.PublicKey())
	})
	return t.at(scope, c), c
}

// ownCA is an entry for a CA of the thief's own.
func (t *thief) ownCA(ring *bundle.Ring, zone state.Word) contracts.Group {
	t.Helper()
	return group(zone, t.sealed("CA", ring, zone, func(r *bundle.Ring) contracts.Change { return t.caEntry(r, zone, t.thief.ca) }))
}

// at is a change in a scope; a mailbox is shown by its salt to power over its zone.
func (w *world) at(scope state.Word, changes ...contracts.Change) contracts.Group {
	g := group(scope, changes...)
	for _, d := range w.fleet {
		if d.mailbox == scope {
			g.Salt = d.identity.MailboxSecret().Commitment()
		}
	}
	return g
}

// enter writes with the administrators that he has: each alone, and any of them
// together.
func (t *thief) enter(groups ...contracts.Group) bool {
	t.Helper()
	by := t.admins()
	for _, h := range by {
		if t.direct(t.c, h, groups...) == nil {
			return true
		}
	}
	for _, some := range subsets(by) {
		if t.approve(t.c, some, groups...) == nil {
			return true
		}
	}
	return false
}

// together is enter with as many signatures as he can.
func (t *thief) together(groups ...contracts.Group) bool {
	t.Helper()
	all := subsets(t.admins())
	for _, some := range slices.Backward(all) {
		if t.approve(t.c, some, groups...) == nil {
			return true
		}
	}
	return t.enter(groups...)
}

// subsets are those of two and more, the small ones first.
func subsets(all []holder) (list [][]holder) {
	for mask := 1; mask < 1<<len(all); mask++ {
		var some []holder
		for i, h := range all {
			if mask>>i&1 == 1 {
				some = append(some, h)
			}
		}
		if len(some) > 1 {
			list = append(list, some)
		}
	}
	slices.SortStableFunc(list, func(a, b []holder) int { return len(a) - len(b) })
	return list
}

// recovery has the guardians that he has ask for him as the only root. It may be
// completed when the timelock is over; where he is watched, the rightful roots that
// are left veto first.
func (t *thief) recovery() (complete func(*chain) *holder) {
	t.Helper()
	own := t.thief.accounts[0]
	recovery := state.Recovery{Threshold: 1, Roots: []state.Address{own.account}}
	some := t.guardians[:t.of(guardian)]
	if len(some) == 0 || t.guarded(t.c, some, contracts.Recover(recovery)) != nil {
		return nil
	}
	due := t.c.time() + uint64(timelock/time.Second)
	if t.watched {
		t.approve(t.c, t.roots[t.of(rootAdmin):], group(t.org.Org, contracts.VetoRecovery(recovery.ID())))
	}
	data, err := contracts.PackCompleteRecovery(t.org.Org, t.guard, recovery)
	t.must(err)
	return func(c *chain) *holder {
		if late := c.until(due); late != c {
			c.blocks = late.blocks
		}
		if c.send(own.account, data) != nil {
			return nil
		}
		own.admin = state.RootAdmin(own.account, t.org.Org, t.afterComplete(c))
		return &own
	}
}

// afterComplete is the salt of the administrators that a recovery has just made.
func (w *world) afterComplete(c *chain) state.Word {
	w.Helper()
	for _, l := range c.blocks[len(c.blocks)-1].logs {
		_, _, e, err := state.DecodeLog(words(l.Topics), l.Data, l.BlockNumber)
		w.must(err)
		if e.Kind == state.KindAdmin {
			a, err := state.ParseAdmin(e.Data)
			w.must(err)
			return a.Salt
		}
	}
	w.Fatal("the recovery has made no administrator")
	return state.Word{}
}

// lies shows a device a chain of his own, if he has its endpoint. There he writes
// the storage as he likes, and needs nobody's power: the roots write the same.
func (t *thief) lies(groups ...contracts.Group) (shown *chain, ok bool) {
	t.Helper()
	if !t.has(endpoint) {
		return nil, false
	}
	t.lying = true
	shown = t.chain.fork()
	shown.pass(time.Second)
	for _, g := range groups {
		t.must(t.approve(shown, t.roots[:2], g))
	}
	return shown, true
}

// certified has a CA sign for the grant: that which he stole, or his own.
func (t *thief) certified(grant contracts.Change) *ssh.Certificate {
	t.Helper()
	return t.certificate(t.signer(), t.thief.key.PublicKey(), grant)
}

// deceived is what a device knows that was shown another chain than the true one,
// which is no shorter: an honest witness has signed another block in each place.
func (t *thief) deceived(g *gadget, shown *chain) *look {
	t.Helper()
	for t.c.number() <= shown.number() {
		t.c.pass(period * time.Second)
	}
	return g.looksAt(sight{shown: shown, truth: t.c, stolen: t.of(witnessKey)})
}

// thievesRecovery is the id of what recovery signs.
func (w *world) thievesRecovery() state.Word {
	return state.Recovery{Threshold: 1, Roots: []state.Address{w.thief.accounts[0].account}}.ID()
}

// hashOf is how entries name a key.
func hashOf(key ssh.Signer) state.Word { return profile.Hash(key.PublicKey()) }

// words are topics.
func words[T ~[32]byte](topics []T) []state.Word {
	list := make([]state.Word, len(topics))
	for i, w := range topics {
		list[i] = state.Word(w)
	}
	return list
}

// entries are those of a scope on a chain.
func (w *world) entries(c *chain, scope state.Word) (list []*state.Entry) {
	w.Helper()
	for _, b := range c.blocks {
		for _, l := range b.logs {
			_, of, e, err := state.DecodeLog(words(l.Topics), l.Data, l.BlockNumber)
			w.must(err)
			if of == scope {
				list = append(list, e)
			}
		}
	}
	return list
}

// gain says whether what an attempt has got still holds, when the true chain has
// gone on to this one.
type gain func(*chain) bool

// loot is what a thief is left with.
type loot struct {
	*thief
	holds gain
}

// way is one kind of attempt at a goal.
type way struct {
	name string
	try  func(*thief) gain // nil = it failed
	lies bool              // it shows a device another chain

	known map[asked]map[set]*loot
	runs  int
	wins  int
}

// with is the outcome of the way for a thief with these keys, nil where it fails.
// One that asked for the same keys, and had the same of them, did what this one
// would do.
func (y *way) with(w *world, s set) *loot {
	w.Helper()
	for a, outcomes := range y.known {
		if l, ok := outcomes[s.only(a)]; ok {
			return l
		}
	}
	t := &thief{world: w, c: w.chain.fork(), stolen: s}
	var l *loot
	if holds := y.try(t); holds != nil && (t.lying || holds(t.c)) {
		l = &loot{t, holds}
		y.wins++
	}
	y.runs++
	if y.known == nil {
		y.known = map[asked]map[set]*loot{}
	}
	if y.known[t.asked] == nil {
		y.known[t.asked] = map[set]*loot{}
	}
	y.known[t.asked][s.only(t.asked)] = l
	return l
}

// only is the set without the keys that were not asked for.
func (s set) only(a asked) set {
	for c := range s {
		if !a[c] {
			s[c] = 0
		}
	}
	return s
}
