package admin

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"dpki/bundle"
	"dpki/contracts/code"
	"dpki/internal/anchor"
	"dpki/registry"
	"dpki/registry/audit"
	"dpki/state"
)

// LogCheck is what somebody who was handed a file asks.
type LogCheck struct {
	Anchor anchor.Anchor
	Trust  audit.Trust
	Open   []Disclosure
}

// LogReport is what the file shows.
type LogReport struct {
	Block     uint64 `json:"block"`
	BlockHash string `json:"block_hash"`
	Time      Time   `json:"time"`
	// Verified and Trusted say in words what follows from the file and what still
	// rests on somebody's word.
	Verified []string  `json:"verified"`
	Trusted  []string  `json:"trusted"`
	Lines    []LogLine `json:"entries"`
}

// VerifyLog checks a file of ProveLog. It needs no network, no key and no home:
// only the organisation's anchor, and somebody who vouches for one block. The
// report is there, and says what holds, also where nobody does.
func VerifyLog(file []byte, c LogCheck) (*LogReport, error) {
	f, err := audit.Parse(file)
	if err != nil {
		return nil, because(err, No, "ask for it again: dpki log --export FILE makes it", "this is no audit file of this version")
	}
	if f.Anchor != c.Anchor {
		return nil, problem(No, "ask for the file of your organisation", "the file is of another organisation: %s", f.Anchor)
	}
	checked, err := f.Check(state.Word(code.Hash()))
	if err != nil {
		hint := "do not believe the file; ask whoever made it, or export it yourself"
		if errors.Is(err, registry.ErrCode) {
			hint = "the organisation uses another release's contract, or the file is forged; compare the releases"
		}
		return nil, because(err, No, hint, "the file does not hold together")
	}
	r := &LogReport{Block: checked.Newest().Number, BlockHash: "0x" + checked.Newest().Hash.String(), Time: Time(checked.Newest().Time)}
	if err := r.fill(checked, c); err != nil {
		return nil, err
	}
	who, err := checked.Vouched(c.Trust)
	r.trust(checked, c, who)
	switch {
	case errors.Is(err, audit.ErrOther):
		return r, because(err, No, "do not believe the file: it shows a chain that is not yours, or one that was reorganised", "the file is not of the chain that you trust")
	case err != nil:
		return r, because(err, No, fmt.Sprintf("ask a node that you trust for the hash of block %d and give --block HASH, or name witnesses: --witness KEY", r.Block), "the file holds together, and nobody says that it is of the real chain")
	}
	return r, nil
}

func (r *LogReport) fill(c *audit.Checked, check LogCheck) error {
	r.Verified = append(r.Verified, fmt.Sprintf("in block %d of chain %d, contract %s has the code of this release", r.Block, c.Anchor.Registry.ChainID, c.Anchor.Registry.Contract))
	names := scopeNames(c)
	keys := map[state.Word]bundle.Key{}
	for _, d := range check.Open {
		keys[d.Subject] = d.Key
	}
	opened := map[state.Word]bool{}
	for _, p := range c.Proofs {
		for i := range p.Logs {
			l := &p.Logs[i]
			r.Verified = append(r.Verified, logWords(l, names, c.Blocks[p.Header].Number))
			entries := l.Entries()
			for j := range entries {
				e := &entries[j]
				line := publicLine(names, l.Scope, e)
				if k, ok := keys[e.Subject]; ok && e.Action == state.ActionPut {
					text, err := openWith(k, c.Anchor, l.Scope, e)
					if err != nil {
						return because(err, No, "the key is another entry's, or was copied wrongly", "entry %s does not open with the key that was given", short(e.Subject))
					}
					line.Text, opened[e.Subject] = text, true
				}
				r.Lines = append(r.Lines, line)
			}
		}
	}
	for subject := range keys {
		if !opened[subject] {
			return problem(No, "export the log that it stands in", "entry %s, whose key was given, is not in the file", short(subject))
		}
	}
	if len(opened) > 0 {
		r.Verified = append(r.Verified, fmt.Sprintf("what %d of the entries say, opened with the keys that were given: each entry holds the hash of its one key", len(opened)))
	}
	if missing := names.missing(c); len(missing) > 0 {
		r.Verified = append(r.Verified, fmt.Sprintf("and that the file does not have the logs of %d zones or devices that its entries announce: %s", len(missing), someOf(missing)))
	}
	slices.SortStableFunc(r.Lines, func(a, b LogLine) int { return cmp.Compare(a.Block, b.Block) })
	return nil
}

func logWords(l *audit.Log, names scopeWords, block uint64) string {
	entries := l.Entries()
	switch {
	case len(entries) == 0:
		return fmt.Sprintf("%s has no entry in block %d", names.of(l.Scope), block)
	case l.Base() > 0:
		return fmt.Sprintf("%s has these %d entries after its first %d, which are not in the file, and no others in block %d", names.of(l.Scope), len(entries), l.Base(), block)
	}
	return fmt.Sprintf("%s has these %d entries, from its first, in this order and no others in block %d", names.of(l.Scope), len(entries), block)
}

func (r *LogReport) trust(c *audit.Checked, check LogCheck, who audit.Voucher) {
	block := fmt.Sprintf("that block %d, %s, is one of chain %d and stays so", r.Block, r.BlockHash, c.Anchor.Registry.ChainID)
	switch {
	case who.Block && len(who.Witnesses) > 0:
		r.Trusted = append(r.Trusted, fmt.Sprintf("%s: you gave the hash, and %d witnesses signed it", block, len(who.Witnesses)))
	case who.Block:
		r.Trusted = append(r.Trusted, block+": you gave the hash")
	case len(who.Witnesses) > 0:
		r.Trusted = append(r.Trusted, fmt.Sprintf("%s: %d of the %d witnesses that you named signed it", block, len(who.Witnesses), len(check.Trust.Witnesses)))
	default:
		r.Trusted = append(r.Trusted, block+": NOBODY SAYS SO YET")
	}
	r.Trusted = append(r.Trusted,
		"that the anchor is the organisation's: it came to you by another way than the file",
		"nothing about what was entered after "+sureUntil(c).String())
}

// sureUntil is the time of the oldest block that a log is proven at: what was entered
// after it may be left out of that log.
func sureUntil(c *audit.Checked) Time {
	oldest := len(c.Blocks) - 1
	for _, p := range c.Proofs {
		oldest = min(oldest, p.Header)
	}
	return Time(c.Blocks[oldest].Time)
}

// scopeWords names scopes by what entries in the clear say about them.
type scopeWords struct {
	org           state.Word
	zones, device map[state.Word]bool
}

func scopeNames(c *audit.Checked) scopeWords {
	s := scopeWords{c.Anchor.Org, map[state.Word]bool{}, map[state.Word]bool{}}
	for _, p := range c.Proofs {
		for i := range p.Logs {
			for _, e := range p.Logs[i].Entries() {
				switch {
				case e.Action == state.ActionPut && e.Kind == state.KindZone:
					s.zones[e.Subject] = true
				case e.Action == state.ActionPut && e.Kind == state.KindDevice:
					s.device[e.Subject] = true
				}
			}
		}
	}
	return s
}

func (s scopeWords) of(scope state.Word) string {
	switch {
	case scope == s.org:
		return "organisation"
	case s.zones[scope]:
		return "zone " + short(scope)
	}
	return "mailbox " + short(scope)
}

// missing are zones and devices that are announced and whose logs are not there.
func (s scopeWords) missing(c *audit.Checked) (names []string) {
	there := map[state.Word]bool{}
	for _, p := range c.Proofs {
		for i := range p.Logs {
			there[p.Logs[i].Scope] = true
		}
	}
	for _, set := range []map[state.Word]bool{s.zones, s.device} {
		for scope := range set {
			if !there[scope] {
				names = append(names, s.of(scope))
			}
		}
	}
	slices.Sort(names)
	return names
}

func someOf(names []string) string {
	const most = 5
	text := ""
	for i, n := range names[:min(most, len(names))] {
		if i > 0 {
			text += ", "
		}
		text += n
	}
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// publicLine is an entry as somebody without keys reads it.
func publicLine(names scopeWords, scope state.Word, e *state.Entry) LogLine {
	line := plainLine(scope, e)
	line.Scope = names.of(scope)
	switch text, clear := clearWords(e, names.of, bare); {
	case clear:
		line.Text = text
	case e.Action == state.ActionPut:
		line.Text = "sealed"
	default:
		line.Text = actionWords(e)
	}
	return line
}
