package admin

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"dpki/bundle"
)

const (
	// maxEnrolled is how many devices one transaction of a manifest announces: their
	// bundles, 5 MB, are made and stored before it.
	maxEnrolled = 1000
	// maxLines is how many bad lines a refusal names.
	maxLines = 10
)

// AddVendor is what `device add --vendor` asks for.
type AddVendor struct {
	Zone   string
	File   io.Reader
	Vendor ssh.PublicKey
	// SkipBad leaves out the lines that are no use; else they refuse the file.
	SkipBad bool
}

// BadLine is a line of a manifest that cannot be added.
type BadLine struct {
	Line int    `json:"line"`
	Text string `json:"text"`
	Hint string `json:"hint,omitempty"`
}

// VendorPlan is what a manifest comes to.
type VendorPlan struct {
	Vendor  string    `json:"vendor"` // fingerprint of its key
	Zone    string    `json:"zone"`
	Lines   int       `json:"lines"`
	Already int       `json:"already"` // enrolled before: nothing is left to do
	Bad     []BadLine `json:"bad,omitempty"`
	// Fresh are to be added.
	Fresh []Enrolment `json:"-"`
}

// PlanVendor reads a manifest to its end and holds it against the organisation.
// Nothing is written; what is wrong with it is found before anything is.
func (d *Desk) PlanVendor(ctx context.Context, add AddVendor) (*VendorPlan, error) {
	if err := d.member(ctx); err != nil {
		return nil, err
	}
	z, err := d.findZone(add.Zone)
	if err != nil {
		return nil, err
	}
	out := &VendorPlan{Vendor: ssh.FingerprintSHA256(add.Vendor), Zone: z.Name}
	p := d.enrolling(z)
	err = bundle.ReadManifest(add.File, add.Vendor, func(line int, r *bundle.Request, bad error) error {
		out.Lines = line
		if bad == nil {
			bad = p.addAnew(r)
		}
		if bad != nil {
			out.Bad = append(out.Bad, badLine(line, bad))
		}
		return ctx.Err()
	})
	switch {
	case errors.Is(err, bundle.ErrVendor):
		return nil, because(err, No, "nothing of it was used; have the vendor send file and key again, each by another way", "the file is not as vendor %s has signed it", out.Vendor)
	case err != nil:
		return nil, because(err, Failed, "nothing of it was used", "the file could not be read")
	case len(out.Bad) > 0 && !add.SkipBad:
		return nil, refusedLines(out)
	}
	for _, e := range p.plan {
		if e.Already {
			out.Already++
		} else {
			out.Fresh = append(out.Fresh, e)
		}
	}
	return out, nil
}

// addAnew plans a request that may be old: what has happened to a device since it
// was enrolled, a new host key or an address, is not undone by it.
func (p *enrolling) addAnew(r *bundle.Request) error {
	if err := p.add(r, ""); err != nil {
		return err
	}
	id := r.Mailbox(p.zone.Zone)
	if p.known[id] != nil {
		p.plan[p.planned[id]].Already = true
	}
	return nil
}

func badLine(line int, err error) BadLine {
	b := BadLine{Line: line, Text: OneLine(err)}
	var p *Problem
	if errors.As(err, &p) {
		b.Text, b.Hint = p.Text, p.Hint
	}
	return b
}

func refusedLines(v *VendorPlan) error {
	var texts []string
	for _, b := range v.Bad[:min(len(v.Bad), maxLines)] {
		texts = append(texts, fmt.Sprintf("line %d: %s", b.Line, b.Text))
	}
	if more := len(v.Bad) - maxLines; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return problem(Failed, "have the vendor make it anew, or add the others: --skip-bad. Nothing was written",
		"%d of %d lines cannot be added: %s", len(v.Bad), v.Lines, strings.Join(texts, "; "))
}

// Sample are so many of the devices to be added, drawn by chance, for comparing
// with what they show themselves.
func (v *VendorPlan) Sample(n int) []Enrolment {
	rest, drawn := slices.Clone(v.Fresh), []Enrolment{}
	for len(rest) > 0 && len(drawn) < n {
		i, err := rand.Int(rand.Reader, big.NewInt(int64(len(rest))))
		if err != nil {
			return drawn // it does not fail
		}
		at := int(i.Int64())
		drawn = append(drawn, rest[at])
		rest[at] = rest[len(rest)-1]
		rest = rest[:len(rest)-1]
	}
	slices.SortFunc(drawn, func(a, b Enrolment) int { return strings.Compare(a.Name, b.Name) })
	return drawn
}

// VendorAdded is the outcome of AddVendorPlanned.
type VendorAdded struct {
	*VendorPlan
	Added  int       `json:"added"`
	Posted []*Posted `json:"transactions"`
}

// AddVendorPlanned enrols what was planned, so many in a transaction. Whoever
// interrupts it runs it again: what is enrolled by then the log says. progress is
// told after each transaction.
func (d *Desk) AddVendorPlanned(ctx context.Context, plan *VendorPlan, progress func(added, transactions int)) (*VendorAdded, error) {
	out := &VendorAdded{VendorPlan: plan, Posted: []*Posted{}}
	z, err := d.findZone(plan.Zone)
	if err != nil {
		return nil, err
	}
	if err := d.single(len(plan.Fresh) > maxEnrolled, fmt.Sprintf("a manifest of %d devices at most", maxEnrolled)); err != nil {
		return nil, err
	}
	for some := range slices.Chunk(plan.Fresh, maxEnrolled) {
		delta := &bundle.Roster{Version: 1}
		for _, e := range some {
			delta.Devices = append(delta.Devices, e.member)
		}
		posted, err := d.announce(ctx, z, delta.Devices, delta)
		if err != nil {
			if out.Added == 0 {
				return nil, err
			}
			return out, because(err, Failed, "run it again: it goes on from there", "%d of %d devices were added", out.Added, len(plan.Fresh))
		}
		out.Added, out.Posted = out.Added+len(some), append(out.Posted, posted)
		progress(out.Added, len(out.Posted))
	}
	return out, nil
}

// WriteManifest makes a vendor's file of requests, given as their texts by name.
func WriteManifest(to io.Writer, vendor ssh.Signer, names []string, read func(name string) ([]byte, error)) error {
	w, seen := bundle.NewManifest(to), map[string]string{}
	for _, name := range names {
		text, err := read(name)
		if err != nil {
			return because(err, Usage, "dpkid enroll writes it on the device", "a request cannot be read")
		}
		r, err := bundle.ParseRequest(bytes.TrimSpace(text))
		if err != nil {
			return because(err, Failed, "copy it again from the device, whole", "%s is not an enrolment request", name)
		}
		if r.HostKey == "" {
			return problem(Failed, "leave it out", "%s is no device's: it names no host key", name)
		}
		if before, twice := seen[r.Name]; twice {
			return problem(Failed, "name the devices differently: dpkid enroll --name", "%s and %s are both of a device %s", before, name, r.Name)
		}
		seen[r.Name] = name
		if err := w.Add(r); err != nil {
			return because(err, Failed, "make several files", "%s", name)
		}
	}
	return because(w.Sign(vendor), Failed, "see ssh-add -l; the key has to be one that ssh signs with", "the file was not signed")
}
