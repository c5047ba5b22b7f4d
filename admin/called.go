package admin

import (
	"fmt"
	"slices"
	"strings"

	"dpki/bundle"
	"dpki/state"
)

// maxCalled is how many names of an account are shown.
const maxCalled = 3

// Beside is an account as people read it: its address, and beside it, never instead
// of it, what the reader's roster calls it.
func Beside(account, name string) string {
	if name == "" {
		return account
	}
	return account + " (" + name + ")"
}

// Called is what the reader's roster calls an account; empty where it does not know.
func (d *Desk) Called(account string) string { return d.called.name(account) }

// Shown is an account as people read it, with its name.
func (d *Desk) Shown(account string) string { return Beside(account, d.Called(account)) }

// ShownAll are several.
func (d *Desk) ShownAll(list []string) []string {
	out := []string{}
	for _, a := range list {
		out = append(out, d.Shown(a))
	}
	return out
}

func (d *Desk) shown(a state.Address) string { return d.Shown(a.String()) }

// bare is an account for who has no roster.
func bare(a state.Address) string { return a.String() }

// calledNames are the names of all authors, in their order; nil if none has one.
func (d *Desk) calledNames(authors []state.Address) []string {
	var names []string
	for _, a := range authors {
		names = append(names, d.Called(a.String()))
	}
	if strings.Join(names, "") == "" {
		return nil
	}
	return names
}

// callings are what the rosters that were read have called accounts. Other
// administrators write rosters, and a later one wins: here nothing is forgotten, so
// that whoever calls the thief's account by a colleague's name, or the colleague's by
// another, adds a name and takes none away.
type callings struct {
	names  map[string][]string // of an account, in the order of the log
	owners map[string][]string // signing keys of a name
	of     map[string][]string // accounts of a signing key
}

func newCallings() *callings {
	return &callings{names: map[string][]string{}, owners: map[string][]string{}, of: map[string][]string{}}
}

// note takes in what a roster says.
func (c *callings) note(r *bundle.Roster) {
	for _, m := range r.People {
		// One that looks like an address would be taken for one.
		if !state.ValidName(m.Name) || strings.HasPrefix(m.Name, "0x") {
			continue
		}
		add(c.owners, m.Name, m.SigningKey)
		if m.Account != "" {
			add(c.names, m.Account, m.Name)
			add(c.of, m.SigningKey, m.Account)
		}
	}
}

// name is all that an account has been called. What another is called too says so:
// it does not tell whose account this is.
func (c *callings) name(account string) string {
	names := c.names[account]
	var twice []string
	for _, n := range names {
		if c.shared(n, account) {
			twice = append(twice, n)
		}
	}
	if len(names) == 0 {
		return ""
	}
	text := atMost(names)
	if len(twice) > 0 {
		text += "; another is called " + atMost(twice) + " too"
	}
	return text
}

// shared reports whether somebody else has the name: another account, or a person
// without one. Who has several identities and one account is one.
func (c *callings) shared(name, account string) bool {
	for other, names := range c.names {
		if other != account && slices.Contains(names, name) {
			return true
		}
	}
	return slices.ContainsFunc(c.owners[name], func(key string) bool { return !slices.Contains(c.of[key], account) })
}

func add(to map[string][]string, of, what string) {
	if !slices.Contains(to[of], what) {
		to[of] = append(to[of], what)
	}
}

func atMost(names []string) string {
	if more := len(names) - maxCalled; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxCalled], " or "), more)
	}
	return strings.Join(names, " or ")
}
