package state

const (
	// MaxGuardians is the most guardians that an organisation has, and the most
	// root administrators that a recovery makes.
	MaxGuardians = 16
	// MinTimelock and MaxTimelock bound the guardians' timelock, in seconds.
	MinTimelock uint64 = 3600
	MaxTimelock uint64 = 30 * 24 * 3600
	// MaxFreeze is the longest freeze, in seconds. As much time again must pass
	// before the next one.
	MaxFreeze uint64 = 7 * 24 * 3600
)

// Guardians is the clear data of a GUARDIAN entry, in one word each: salt,
// timelock, freezers, final, accounts. Its hash is the entry's subject. The zero
// value with any salt says that there are none.
type Guardians struct {
	Salt     Word
	Timelock uint64    // seconds from a recovery to its completion, MinTimelock to MaxTimelock
	Needed   uint8     // g: how many freeze, recover, and veto a POINTER
	Final    uint8     // g2: how many make a recovery that cannot be vetoed; at least Needed
	Accounts []Address // strictly ascending, at most MaxGuardians
}

// Marshal encodes one word a field and one an account.
func (g Guardians) Marshal() []byte {
	return appendAccounts([]Word{g.Salt, number(g.Timelock), number(uint64(g.Needed)), number(uint64(g.Final))}, g.Accounts)
}

// ID is the subject of the entry.
func (g Guardians) ID() Word { return Keccak256(g.Marshal()) }

// ParseGuardians decodes what Marshal encodes, and refuses what the contract does.
func ParseGuardians(b []byte) (Guardians, error) {
	head, accounts, err := splitAccounts(b, 4)
	if err != nil {
		return Guardians{}, err
	}
	var errs [3]error
	timelock, err := head[1].small(40)
	errs[0] = err
	needed, err := head[2].small(8)
	errs[1] = err
	final, err := head[3].small(8)
	errs[2] = err
	if err := first(errs[:]); err != nil {
		return Guardians{}, err
	}
	g := Guardians{Salt: head[0], Timelock: timelock, Needed: uint8(needed), Final: uint8(final), Accounts: accounts}
	if len(accounts) == 0 {
		if timelock|needed|final != 0 {
			return Guardians{}, malformed("nobody as guardians")
		}
		return g, nil
	}
	if needed == 0 || needed > final || final > uint64(len(accounts)) || timelock < MinTimelock || timelock > MaxTimelock {
		return Guardians{}, malformed("guardians: %d of %d, final with %d, timelock %d", needed, len(accounts), final, timelock)
	}
	return g, nil
}

// Recovery is the clear data of a RECOVER entry, in one word each: salt,
// threshold, accounts. Its hash is the entry's subject.
type Recovery struct {
	Salt      Word
	Threshold uint8     // approvals that the kinds which decide over all others need in the new epoch
	Roots     []Address // the new root administrators, strictly ascending, Threshold to MaxGuardians
}

// Marshal encodes one word a field and one an account.
func (r Recovery) Marshal() []byte {
	return appendAccounts([]Word{r.Salt, number(uint64(r.Threshold))}, r.Roots)
}

// ID is the subject of the entry.
func (r Recovery) ID() Word { return Keccak256(r.Marshal()) }

// ParseRecovery decodes what Marshal encodes, and refuses what the contract does.
func ParseRecovery(b []byte) (Recovery, error) {
	head, roots, err := splitAccounts(b, 2)
	if err != nil {
		return Recovery{}, err
	}
	threshold, err := head[1].small(8)
	if err != nil {
		return Recovery{}, err
	}
	if threshold == 0 || threshold > uint64(len(roots)) {
		return Recovery{}, malformed("recovery with threshold %d of %d", threshold, len(roots))
	}
	return Recovery{Salt: head[0], Threshold: uint8(threshold), Roots: roots}, nil
}

func appendAccounts(head []Word, accounts []Address) []byte {
	var b []byte
	for _, w := range head {
		b = append(b, w[:]...)
	}
	for _, a := range accounts {
		w := a.word()
		b = append(b, w[:]...)
	}
	return b
}

// splitAccounts reads `words` words and then accounts, strictly ascending and
// not zero, to the end.
func splitAccounts(b []byte, words int) (head []Word, accounts []Address, err error) {
	if len(b) > (words+MaxGuardians)*wordLen || len(b) < words*wordLen {
		return nil, nil, malformed("%d bytes for accounts", len(b))
	}
	all, err := abiWords(b, len(b)/wordLen)
	if err != nil {
		return nil, nil, err
	}
	for _, w := range all[words:] {
		a, err := w.address()
		if err != nil {
			return nil, nil, err
		}
		accounts = append(accounts, a)
	}
	if !ascending(accounts) || len(accounts) > 0 && accounts[0].IsZero() {
		return nil, nil, malformed("accounts not ascending")
	}
	return all[:words], accounts, nil
}
