package admin

import (
	"context"
	"errors"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"dpki/admin/home"
	"dpki/bundle"
	"dpki/contracts"
	"dpki/internal/sshsig"
	"dpki/sshca/profile"
	"dpki/state"
)

// waitsForWatchdogs is the standing of a delivery that is not announced yet.
const waitsForWatchdogs = "waits for watchdogs"

// WatchedError says that deliveries wait in files until watchdogs have signed them.
type WatchedError struct{ Files []string }

func (e *WatchedError) Error() string { return "wrote " + strings.Join(e.Files, ", ") }

// waiting is the error of deliveries that wait, nil where none does.
func (d *Deliveries) waiting() error { return watched(d.Watch...) }

// watched is the error of what waits in files, nil for none.
func watched(files ...string) error {
	if len(files) == 0 {
		return nil
	}
	return &Problem{Class: Later, Text: "nothing is announced before its watchdogs have signed", Err: &WatchedError{Files: files},
		Hint: "they: dpki watch sign FILE --key KEY; then you: dpki watch submit FILE"}
}

// sealOne seals a bundle and its entry, and adds it to watch where a policy demands
// watchdogs' signatures. With DryRun there is no content that they could be shown.
func (d *Desk) sealOne(m bundle.RosterMember, o bundle.Outgoing, watch *WatchFile) (block bundle.Block, sealed bundle.Sealed, watched bool, err error) {
	demands, known := d.view(m.Zone, m.Device).Watchdogs(uint8(o.Purpose), uint64(d.Now().Unix()))
	if !known {
		return block, sealed, false, errors.New("a policy that is in force cannot be read here")
	}
	if len(demands) == 0 || d.DryRun {
		block, sealed, err = d.ring.Deliver(d.Anchor, o)
		return block, sealed, false, err
	}
	w, err := d.ring.DeliverWatched(d.Anchor, m.Name, o)
	if err != nil {
		return block, sealed, false, err
	}
	for _, demand := range demands {
		n := WatchNeed{Need: int(demand.Need), Keys: demand.Keys}
		if !slices.ContainsFunc(watch.Needs, func(have WatchNeed) bool { return have.Need == n.Need && slices.Equal(have.Keys, n.Keys) }) {
			watch.Needs = append(watch.Needs, n)
		}
	}
	wd := WatchedDelivery{To: d.memberName(m), Statement: w.Statement, Summary: w.Summary}
	if watch.comparable {
		wd.Salt = &w.Salt
	}
	watch.Deliveries = append(watch.Deliveries, wd)
	return w.Block, w.Entry, true, nil
}

// asker signs what is asked of watchdogs: this administrator's identity.
func (d *Desk) asker() (ssh.Signer, error) { return ssh.NewSignerFromSigner(d.Identity.SigningKey()) }

// askWatchdogs signs the file and writes it where the command was called.
func (d *Desk) askWatchdogs(w *WatchFile) (string, error) {
	w.Groups = merged(w.Groups)
	signer, err := d.asker()
	if err != nil {
		return "", err
	}
	message, err := w.asks()
	if err != nil {
		return "", err
	}
	if w.Asked, err = sshsig.Sign(signer, askNamespace, message); err != nil {
		return "", err
	}
	if err := w.check(); err != nil {
		return "", err
	}
	text, err := w.Marshal()
	if err != nil {
		return "", err
	}
	file := "watch-" + w.Digests()[0].String()[:12] + ".json"
	return file, because(home.Create(file, text), Failed, "change into a folder that you may write to", "%s could not be written", file)
}

// SubmitWatched announces what enough watchdogs have signed, and their signatures
// with it, in one transaction. Only who asked can: he sends his own changes.
func (d *Desk) SubmitWatched(ctx context.Context, w *WatchFile) (*Deliveries, error) {
	if err := d.member(ctx); err != nil {
		return nil, err
	}
	own, err := d.asker()
	if err != nil {
		return nil, err
	}
	switch {
	case w.Anchor != d.Anchor:
		return nil, problem(Failed, "give --org", "the file is of another organisation, %s", short(w.Anchor.Org))
	case w.Asked.Key.Hash != profile.Hash(own.PublicKey()):
		return nil, problem(Failed, "who asked submits it: identity "+ssh.FingerprintSHA256(w.Asked.Key.Public), "another administrator asked for these signatures")
	}
	content, err := (&bundle.Signatures{Version: 1, Statements: w.Digests(), Signatures: w.Signatures}).Marshal()
	if err != nil && len(w.Signatures) > 0 {
		return nil, because(err, Failed, "ask for the file again", "the signatures cannot be used")
	}
	if err := d.unlock(); err != nil {
		return nil, err
	}
	out := &Deliveries{}
	groups := slices.Clone(w.Groups)
	var blocks []bundle.Block
	for _, wd := range w.Deliveries {
		shown, group, block, err := d.announceSigned(ctx, w, wd, content)
		if err != nil {
			return nil, err
		}
		out.Deliveries, groups, blocks = append(out.Deliveries, shown), append(groups, group), append(blocks, block)
	}
	if err := d.publish(ctx, blocks); err != nil {
		return nil, err
	}
	posted, err := d.write(ctx, merged(groups)...)
	if err != nil {
		return nil, err
	}
	out.Posted = append(out.Posted, posted)
	if d.DryRun {
		return out, nil
	}
	return out, d.reload(ctx)
}

// announceSigned seals the signatures for one delivery's recipient.
func (d *Desk) announceSigned(ctx context.Context, w *WatchFile, wd WatchedDelivery, content []byte) (shown *Delivery, g contracts.Group, b bundle.Block, err error) {
	s := wd.Statement
	enrolled := slices.Concat(d.roster.Devices, d.people())
	i := slices.IndexFunc(enrolled, func(m bundle.RosterMember) bool { return m.Device == s.Mailbox })
	if i < 0 {
		return nil, g, b, problem(Failed, "deliver again to who is there now", "%s is not enrolled any more", wd.To)
	}
	m := enrolled[i]
	if err := d.need(ctx, m.Device); err != nil {
		return nil, g, b, err
	}
	now := uint64(d.Now().Unix())
	if s.Until <= now {
		return nil, g, b, problem(Failed, "deliver it again", "the delivery to %s ended at %v", wd.To, Time(s.Until))
	}
	if f := d.inForce(m, s.Purpose, s.Name); f != nil && f.Subject != s.Supersedes {
		return nil, g, b, problem(Failed, "dpki deliver list "+wd.To, "%s %s was delivered to %s since the signatures were asked for", s.Purpose, s.Name, wd.To)
	}
	demands, known := d.view(m.Zone, m.Device).Watchdogs(uint8(s.Purpose), now)
	if !known {
		return nil, g, b, problem(Failed, "dpki zone policy", "a policy that is in force cannot be read here")
	}
	for _, demand := range demands {
		have, missing := 0, []string{}
		for _, k := range demand.Keys {
			if w.signedBy(k) {
				have++
			} else {
				missing = append(missing, fingerprintText(k))
			}
		}
		if have < int(demand.Need) {
			return nil, g, b, problem(No, "ask "+strings.Join(missing, " or ")+": dpki watch sign FILE", "the delivery to %s has %d of %d signatures that its policy demands", wd.To, have, demand.Need)
		}
	}
	o := bundle.Outgoing{To: m.Recipient, Mailbox: m.Device, From: s.From, Until: s.Until, Purpose: bundle.PurposeSignatures, Content: content, Signs: s.Subject}
	block, sealed, err := d.ring.Deliver(d.Anchor, o)
	if err != nil {
		return nil, g, b, err
	}
	shown = &Delivery{To: wd.To, Purpose: s.Purpose.String(), Name: s.Name, ID: s.Subject.String(), CID: s.Block.String(), Standing: state.Live.String(), Until: Time(s.Until)}
	if !s.Supersedes.IsZero() {
		shown.Supersedes = s.Supersedes.String()
	}
	return shown, inMailbox(m, put(state.KindDelivery, sealed, s.From, s.Until)), block, nil
}

// Compare says of every file that would be delivered whether it is the one that
// lies here, and how many are not. paths are as for `deliver files`.
func (w *WatchFile) Compare(paths []string) (lines []string, differ int, err error) {
	for _, wd := range w.Deliveries {
		if wd.Summary.Files == nil {
			continue
		}
		if wd.Salt == nil {
			return nil, 0, problem(Failed, "ask for it: dpki deliver files --comparable", "the files for %s cannot be compared: the file does not bring what it takes", wd.To)
		}
		own, err := readFiles(wd.Summary.Files.Name, paths)
		if err != nil {
			return nil, 0, err
		}
		for _, f := range wd.Summary.Files.Files {
			i := slices.IndexFunc(own.Files, func(o bundle.File) bool { return o.Path == f.Path })
			word := "the same as yours"
			switch {
			case i < 0:
				word = "YOU HAVE NO SUCH FILE"
			case bundle.FileDigest(*wd.Salt, own.Files[i].Content) != f.Digest:
				word = "NOT THE SAME AS YOURS"
			}
			if word != "the same as yours" {
				differ++
			}
			lines = append(lines, wd.To+" "+f.Path+": "+word)
		}
	}
	return lines, differ, nil
}

// Waits reports whether nothing is announced of the delivery before its watchdogs
// have signed it.
func (d *Delivery) Waits() bool { return d.Standing == waitsForWatchdogs }
