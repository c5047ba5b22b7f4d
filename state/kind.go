package state

import "fmt"

// Action says what an entry does to its subject.
type Action uint8

// Actions of version 1. Those after revoke are the guardians' and of those who
// answer them, in the organisation's scope only (docs/formats.md section 4).
const (
	ActionPut      Action = 1
	ActionRevoke   Action = 2
	ActionFreeze   Action = 3 // guardians: nothing that permits is entered until Entry.Until
	ActionRecover  Action = 4 // guardians: new root administrators, after the timelock
	ActionVeto     Action = 5 // root administrators: of a recovery; guardians: of a POINTER
	ActionComplete Action = 6 // anybody, after the timelock: a new epoch begins
)

var actionNames = [...]string{"action 0", "put", "revoke", "freeze", "recover", "veto", "complete"}

func (a Action) String() string {
	if int(a) < len(actionNames) {
		return actionNames[a]
	}
	return fmt.Sprintf("action %d", uint8(a))
}

// Kind is an entry's type, 0 to MaxKind. Unknown kinds are kept in the log and
// grant nothing.
type Kind uint8

// Kinds of version 1 (docs/formats.md section 3).
const (
	KindAdmin     Kind = 1
	KindLimit     Kind = 2
	KindGuardian  Kind = 3
	KindDistrust  Kind = 4
	KindPointer   Kind = 5
	KindZone      Kind = 6
	KindDenyClear Kind = 7
	KindMove      Kind = 8

	KindPolicy    Kind = 16
	KindCAUser    Kind = 17
	KindCAHost    Kind = 18
	KindDevice    Kind = 19
	KindBatch     Kind = 20
	KindDelivery  Kind = 21
	KindGrant     Kind = 22
	KindGrantPriv Kind = 23
	KindDeny      Kind = 24
	KindRequest   Kind = 25

	// MaxKind is the highest kind that the contract's masks can hold.
	MaxKind Kind = 95
)

// maxOrganisationKind is the last of the kinds that exist in the
// organisation's own scope only.
const maxOrganisationKind Kind = 15

var kindNames = map[Kind]string{
	KindAdmin: "ADMIN", KindLimit: "LIMIT", KindGuardian: "GUARDIAN", KindDistrust: "DISTRUST",
	KindPointer: "POINTER", KindZone: "ZONE", KindDenyClear: "DENY_CLEAR", KindMove: "MOVE",
	KindPolicy: "POLICY", KindCAUser: "CA_USER", KindCAHost: "CA_HOST", KindDevice: "DEVICE",
	KindBatch: "BATCH", KindDelivery: "DELIVERY", KindGrant: "GRANT", KindGrantPriv: "GRANT_PRIV",
	KindDeny: "DENY", KindRequest: "REQUEST",
}

func (k Kind) String() string {
	if name, ok := kindNames[k]; ok {
		return name
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// ParseKind accepts the names that String prints for the known kinds.
func ParseKind(s string) (Kind, error) {
	for k, name := range kindNames {
		if name == s {
			return k, nil
		}
	}
	return 0, fmt.Errorf("unknown kind %.40q", s)
}

// OrganisationOnly reports whether the kind exists in the organisation's scope only.
func (k Kind) OrganisationOnly() bool { return k <= maxOrganisationKind }

// Strong reports whether the kind decides over all others: whoever could write
// it with fewer approvals could give itself the rest.
func (k Kind) Strong() bool {
	switch k {
	case KindAdmin, KindLimit, KindGuardian, KindDistrust, KindPointer, KindPolicy:
		return true
	}
	return false
}

// Restrictive reports whether a put of this kind takes rights away, and so
// whether its revoke gives them back (Entry.Restrictive).
func (k Kind) Restrictive() bool {
	switch k {
	case KindDistrust, KindDenyClear, KindPolicy, KindDeny:
		return true
	}
	return false
}
