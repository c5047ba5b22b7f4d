package admin

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"slices"

	"dpki/contracts"
	"dpki/internal/anchor"
	"dpki/registry/post"
	"dpki/state"
)

// MaxProposal bounds a proposal's file, in bytes: two changes for each device of
// a hundred, with the keys that open them, fit.
const MaxProposal = 512 << 10

// Proposal is a write that waits for signatures, as a file: by administrators,
// or by guardians. Nothing in it is secret to those who may approve, and nothing
// in it counts but what the signatures are over and the signatures themselves.
type Proposal struct {
	Anchor  anchor.Anchor
	Guarded bool // guardians sign it
	contracts.Proposal
	Open   []Disclosure // of its sealed entries
	Signed []SignedBy   // strictly ascending accounts
}

// SignedBy is one account's signature over the proposal.
type SignedBy struct {
	Account   state.Address
	Signature []byte // at most maxSignature bytes
}

// maxSignature bounds a signature, in bytes: that of a contract with 16 owners.
const maxSignature = 2048

type proposalFile struct {
	Version  int           `json:"version"`
	Anchor   anchor.Anchor `json:"anchor"`
	Guarded  bool          `json:"guarded"`
	Epoch    uint32        `json:"epoch"`
	Nonce    state.Word    `json:"nonce"`
	Deadline uint64        `json:"deadline"`
	Groups   []groupFile   `json:"groups"`
	Open     []string      `json:"open"`
	Signed   []signedFile  `json:"signed"`
}

type groupFile struct {
	Scope   state.Word   `json:"scope"`
	Salt    state.Word   `json:"salt"`
	Changes []changeFile `json:"changes"`
}

type changeFile struct {
	Action  uint8      `json:"action"`
	Kind    uint8      `json:"kind"`
	From    uint64     `json:"from"`
	Until   uint64     `json:"until"`
	Subject state.Word `json:"subject"`
	Data    string     `json:"data"`
}

type signedFile struct {
	Account   state.Address `json:"account"`
	Signature string        `json:"signature"`
}

// Marshal writes the file: JSON, indented by one space, every field, in this
// order (docs/formats.md, "Proposals").
func (p *Proposal) Marshal() ([]byte, error) {
	f := proposalFile{Version: 1, Anchor: p.Anchor, Guarded: p.Guarded, Epoch: p.Epoch, Nonce: p.Nonce, Deadline: p.Deadline,
		Groups: groupsFile(p.Groups), Open: []string{}, Signed: []signedFile{}}
	for _, o := range p.Open {
		text, err := o.Text()
		if err != nil {
			return nil, err
		}
		f.Open = append(f.Open, text)
	}
	for _, s := range p.Signed {
		f.Signed = append(f.Signed, signedFile{s.Account, hex.EncodeToString(s.Signature)})
	}
	b, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return nil, err
	}
	return append(b, '\n'), nil
}

// ParseProposal reads what Marshal writes, to the byte, and nothing else.
func ParseProposal(b []byte) (*Proposal, error) {
	p, err := parseProposal(b)
	if err != nil {
		return nil, because(err, Usage, "ask for the file again, as dpki proposal wrote it", "this is no proposal")
	}
	return p, nil
}

func parseProposal(b []byte) (*Proposal, error) {
	var f proposalFile
	if len(b) > MaxProposal {
		return nil, problem(Usage, "at most 512 KiB", "the proposal is too long")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, err
	}
	if f.Version != 1 {
		return nil, problem(Usage, "take a newer dpki", "the proposal has version %d", f.Version)
	}
	p, err := f.proposal()
	if err != nil {
		return nil, err
	}
	// One spelling: no field twice, none left out, nothing after the end.
	if again, err := p.Marshal(); err != nil || !bytes.Equal(again, b) {
		return nil, problem(Usage, "ask for the file again, as dpki proposal wrote it", "the proposal was edited")
	}
	_, err = p.Digest(p.Anchor.Registry)
	return p, err
}

func (f *proposalFile) proposal() (*Proposal, error) {
	p := &Proposal{Anchor: f.Anchor, Guarded: f.Guarded, Proposal: contracts.Proposal{Org: f.Anchor.Org, Epoch: f.Epoch, Nonce: f.Nonce, Deadline: f.Deadline}}
	changes := 0
	for _, of := range f.Groups {
		g, err := of.group()
		if err != nil {
			return nil, err
		}
		changes += len(g.Changes)
		p.Groups = append(p.Groups, g)
	}
	for _, text := range f.Open {
		o, err := ParseDisclosure(text)
		if err != nil {
			return nil, err
		}
		p.Open = append(p.Open, o)
	}
	for _, s := range f.Signed {
		signature, err := hex.DecodeString(s.Signature)
		if err != nil {
			return nil, err
		}
		p.Signed = append(p.Signed, SignedBy{s.Account, signature})
	}
	tooLong := slices.ContainsFunc(p.Signed, func(s SignedBy) bool { return len(s.Signature) > maxSignature })
	sorted := slices.IsSortedFunc(p.Signed, bySigner) && len(slices.CompactFunc(slices.Clone(p.Signed), sameSigner)) == len(p.Signed)
	if changes == 0 || p.Deadline > state.Never || len(p.Open) > changes || len(p.Signed) > state.MaxAuthors || tooLong || !sorted {
		return nil, problem(Usage, "ask for the file again, as dpki proposal wrote it", "the proposal is out of bounds")
	}
	return p, nil
}

// groupsFile is the file form of changes.
func groupsFile(groups []contracts.Group) []groupFile {
	list := []groupFile{}
	for _, g := range groups {
		of := groupFile{Scope: g.Scope, Salt: g.Salt, Changes: []changeFile{}}
		for _, c := range g.Changes {
			of.Changes = append(of.Changes, changeFile{uint8(c.Action), uint8(c.Kind), c.From, c.Until, c.Subject, hex.EncodeToString(c.Data)})
		}
		list = append(list, of)
	}
	return list
}

func (f *groupFile) group() (contracts.Group, error) {
	g := contracts.Group{Scope: f.Scope, Salt: f.Salt}
	for _, c := range f.Changes {
		data, err := hex.DecodeString(c.Data)
		if err != nil {
			return g, err
		}
		g.Changes = append(g.Changes, contracts.Change{Action: state.Action(c.Action), Kind: state.Kind(c.Kind), From: c.From, Until: c.Until, Subject: c.Subject, Data: data})
	}
	return g, nil
}

func bySigner(a, b SignedBy) int    { return bytes.Compare(a.Account[:], b.Account[:]) }
func sameSigner(a, b SignedBy) bool { return a.Account == b.Account }

// add keeps a signature that is the account's over this proposal.
func (p *Proposal) add(s SignedBy) error {
	digest, err := p.Digest(p.Anchor.Registry)
	if err != nil {
		return err
	}
	if who, err := post.SignerOf(digest, s.Signature); err != nil || who != s.Account {
		return problem(Failed, "ask "+s.Account.String()+" to approve it again", "a signature of the proposal is not of %s over what stands in it", s.Account)
	}
	p.replace(s)
	return nil
}

// replace keeps a signature, and none of before by its account.
func (p *Proposal) replace(s SignedBy) {
	p.Signed = slices.DeleteFunc(p.Signed, func(old SignedBy) bool { return old.Account == s.Account })
	p.Signed = append(p.Signed, s)
	slices.SortFunc(p.Signed, bySigner)
}
