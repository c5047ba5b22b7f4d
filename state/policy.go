package state

import (
	"encoding/binary"
	"slices"
	"strings"
)

// LoginModes is a set of ways to log in.
type LoginModes uint8

// Modes of version 1.
const (
	ModeCertificateAndGrant LoginModes = 1 // a live CA's certificate and a live grant
	ModeGrantedKey          LoginModes = 2 // a live grant for the plain key, no CA
	ModeCertificateOnly     LoginModes = 4 // a live CA's certificate alone
	allModes                           = ModeCertificateAndGrant | ModeGrantedKey | ModeCertificateOnly
)

// Policy is the payload of POLICY. The zero value of a field that was absent
// is replaced by its default when the policy takes effect.
type Policy struct {
	Modes      LoginModes // 0 = absent
	Offline    uint32     // seconds that unprivileged logins go on without fresh state; 0 = absent
	Fresh      uint32     // most seconds since fresh state for a privileged login; 0 = absent
	Privileged []string   // accounts beside root that need GRANT_PRIV, ascending
	SafeKinds  KindMask   // kinds that count only in `safe` blocks
	// Watchdogs is what deliveries have to meet: one demand at most in a payload,
	// and in what is in force those of organisation and zone, each for itself.
	Watchdogs []Watchdogs
}

// KindMask is a set of kinds, bit k (least significant first, big endian) for kind k.
type KindMask [12]byte

// Has reports whether the set holds k.
func (m KindMask) Has(k Kind) bool {
	return k <= MaxKind && m[11-k/8]&(1<<(k%8)) != 0
}

// With returns the set with k added.
func (m KindMask) With(k Kind) KindMask {
	if k <= MaxKind {
		m[11-k/8] |= 1 << (k % 8)
	}
	return m
}

// Defaults where neither organisation nor zone says otherwise.
const (
	DefaultOffline uint32 = 24 * 3600
	DefaultFresh   uint32 = 60
)

// Marshal encodes the payload.
func (p Policy) Marshal() ([]byte, error) {
	w := newFields()
	if p.Modes != 0 {
		w = w.add(1, []byte{byte(p.Modes)})
	}
	if p.Offline != 0 {
		w = w.add(2, binary.BigEndian.AppendUint32(nil, p.Offline))
	}
	if p.Fresh != 0 {
		w = w.add(3, binary.BigEndian.AppendUint32(nil, p.Fresh))
	}
	w = w.addText(4, strings.Join(p.Privileged, ","))
	if p.SafeKinds != (KindMask{}) {
		w = w.add(5, p.SafeKinds[:])
	}
	if len(p.Watchdogs) > 1 {
		return nil, malformed("policy with %d demands for watchdogs", len(p.Watchdogs))
	}
	for _, d := range p.Watchdogs {
		w = w.add(6, d.marshal())
	}
	return checked(w, func(b []byte) error { _, err := ParsePolicy(b); return err })
}

// ParsePolicy decodes what Marshal encodes.
func ParsePolicy(b []byte) (Policy, error) {
	f, err := parseFields(b, 6)
	if err != nil {
		return Policy{}, err
	}
	var errs [4]error
	modes, err := f.uint(1, 1, 0)
	errs[0] = err
	offline, err := f.uint(2, 4, 0)
	errs[1] = err
	fresh, err := f.uint(3, 4, 0)
	errs[2] = err
	accounts, err := f.text(4, maxAccounts, validAccounts)
	errs[3] = err
	if err := first(errs[:]); err != nil {
		return Policy{}, err
	}
	p := Policy{Modes: LoginModes(modes), Offline: uint32(offline), Fresh: uint32(fresh)}
	if accounts != "" {
		p.Privileged = strings.Split(accounts, ",")
	}
	mask, hasMask := f[5]
	copy(p.SafeKinds[:], mask)
	if demand, ok := f[6]; ok {
		w, err := parseWatchdogs(demand)
		if err != nil {
			return Policy{}, err
		}
		p.Watchdogs = []Watchdogs{w}
	}
	switch {
	case p.Modes&^allModes != 0,
		f[1] != nil && p.Modes == 0, f[2] != nil && p.Offline == 0, f[3] != nil && p.Fresh == 0,
		hasMask && (len(mask) != len(p.SafeKinds) || p.SafeKinds == KindMask{}),
		!strictlyAscending(p.Privileged):
		return Policy{}, malformed("policy")
	}
	return p, nil
}

func strictlyAscending(s []string) bool {
	return slices.IsSorted(s) && len(slices.Compact(slices.Clone(s))) == len(s)
}

// NeedsPrivilege reports whether the account is let in only by GRANT_PRIV.
func (p Policy) NeedsPrivilege(account string) bool {
	return account == "root" || slices.Contains(p.Privileged, account)
}

// effective is what a device obeys: the organisation's floor and the zone's
// own wishes, where a zone may only tighten.
func effective(org, zone Policy) Policy {
	if org.Modes == 0 {
		org.Modes = allModes
	}
	if zone.Modes == 0 {
		zone.Modes = ModeCertificateAndGrant
	}
	p := Policy{
		Modes:      org.Modes & zone.Modes,
		Offline:    tighter(org.Offline, zone.Offline, DefaultOffline),
		Fresh:      tighter(org.Fresh, zone.Fresh, DefaultFresh),
		Privileged: slices.Concat(org.Privileged, zone.Privileged),
	}
	for i := range p.SafeKinds {
		p.SafeKinds[i] = org.SafeKinds[i] | zone.SafeKinds[i]
	}
	slices.Sort(p.Privileged)
	p.Privileged = slices.Compact(p.Privileged)
	p.Watchdogs = united(org.Watchdogs, zone.Watchdogs)
	return p
}

// tightened is a policy with every field as strict as the stricter of two
// effective ones.
func tightened(a, b Policy) Policy {
	a.Modes &= b.Modes
	a.Offline, a.Fresh = min(a.Offline, b.Offline), min(a.Fresh, b.Fresh)
	a.Privileged = slices.Concat(a.Privileged, b.Privileged)
	slices.Sort(a.Privileged)
	a.Privileged = slices.Compact(a.Privileged)
	a.Watchdogs = united(a.Watchdogs, b.Watchdogs)
	for i := range a.SafeKinds {
		a.SafeKinds[i] |= b.SafeKinds[i]
	}
	return a
}

// tighter is the smaller of two durations of which either may be absent.
func tighter(org, zone, def uint32) uint32 {
	switch {
	case org == 0 && zone == 0:
		return def
	case org == 0:
		return zone
	case zone == 0:
		return org
	}
	return min(org, zone)
}
