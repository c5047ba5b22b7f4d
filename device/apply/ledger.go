package apply

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"dpki/bundle"
	"dpki/device"
	"dpki/internal/file"
	"dpki/state"
)

const (
	// maxLedger bounds the file: what one set replaces is at most 256 files, and
	// each was read by us within maxBefore.
	maxLedger = 64 << 20
	// maxSettled is how many deliveries are remembered that are not in force. Of more
	// the oldest go whose entries have ended: one that is announced still would be
	// taken for new, fetched and settled again, and push out the next.
	maxSettled = 1024
	// maxAnnounced is how many may be remembered because they are announced still.
	maxAnnounced = 16 << 10
)

// ErrFull: more deliveries are announced at once than are remembered. The next one
// waits until some have ended.
var ErrFull = errors.New("too many deliveries are announced at once")

// ErrLedger: the ledger cannot be read. Nothing is applied without it: what was
// applied before could be applied again.
var ErrLedger = errors.New("the ledger of deliveries is damaged")

// ledger is the file form, JSON. It holds secrets while a set is being installed.
type ledger struct {
	Version int                `json:"version"` // 1
	Sets    []installed        `json:"sets"`    // one a purpose and name, the newest
	Others  []device.Delivered `json:"others"`  // settled otherwise: superseded, refused
	Doing   *doing             `json:"doing,omitempty"`
}

// installed is a set in force.
type installed struct {
	device.Delivered
	Purpose bundle.Purpose `json:"number"`
	// Mailbox is what its sequence counts in: another one after a move. Zero in a
	// ledger of before there were moves.
	Mailbox state.Word `json:"mailbox,omitzero"`
	Paths   []string   `json:"paths"` // what the set consists of
	// Ahead are the certificates of a host certificate's windows, and HostKey the
	// file that they are for.
	Ahead   []string `json:"ahead,omitempty"`
	HostKey string   `json:"host_key,omitempty"`
	Window  uint64   `json:"window,omitempty"` // valid_after of the last that has begun
}

func (i *installed) id() setID { return setID{i.Purpose, i.Name} }

// doing is an installation that has begun and not ended.
type doing struct {
	Subject state.Word `json:"subject"`
	Before  []before   `json:"before"`
	Sshd    bool       `json:"sshd"` // sshd may have read something new
	Reload  []string   `json:"reload,omitempty"`
	// End is there once all is written and checked: from then on it goes forward.
	End *outcome `json:"end,omitempty"`
}

// outcome is what an installation leads to.
type outcome struct {
	Set       installed         `json:"set"`
	Withdrawn *device.Delivered `json:"withdrawn,omitempty"` // nil = the set is in force
}

// before is what stood at one place.
type before struct {
	Path    string      `json:"path"`
	Exists  bool        `json:"exists"`
	Content []byte      `json:"content,omitempty"`
	Mode    fs.FileMode `json:"mode"`
	UID     int         `json:"uid"`
	GID     int         `json:"gid"`
}

func loadLedger(path string) (*ledger, error) {
	b, err := file.ReadSecret(path, maxLedger, file.NoLinks)
	if errors.Is(err, fs.ErrNotExist) {
		return &ledger{Version: 1}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLedger, err)
	}
	l := &ledger{}
	if err := json.Unmarshal(b, l); err != nil || l.Version != 1 {
		return nil, fmt.Errorf("%s: version %d: %w", path, l.Version, ErrLedger)
	}
	return l, nil
}

func (l *ledger) save(path string) error {
	b, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return file.Replace(path, b, 0o600)
}

// set is the set in force with this purpose and name, nil for none.
func (l *ledger) set(id setID) *installed {
	for i := range l.Sets {
		if l.Sets[i].id() == id {
			return &l.Sets[i]
		}
	}
	return nil
}

// after is the ledger that an installation leads to.
func (l *ledger) after(end *outcome) *ledger {
	if end.Withdrawn != nil {
		return l.without(end.Set.id(), *end.Withdrawn)
	}
	return l.with(end.Set)
}

// with is the ledger in which a set is in force; the one that it replaces is
// remembered as superseded.
func (l *ledger) with(n installed) *ledger {
	next := &ledger{Version: 1, Others: slices.Clone(l.Others)}
	for _, s := range l.Sets {
		if s.id() != n.id() {
			next.Sets = append(next.Sets, s)
		} else if s.Subject != n.Subject {
			s.Delivered.Result = device.Superseded
			next.settle(s.Delivered, n.Time)
		}
	}
	next.Sets = append(next.Sets, n)
	return next
}

// without is the ledger in which a set is in force no more.
func (l *ledger) without(id setID, d device.Delivered) *ledger {
	next := &ledger{Version: 1, Others: slices.Clone(l.Others)}
	next.Sets = slices.DeleteFunc(slices.Clone(l.Sets), func(s installed) bool { return s.id() == id })
	next.settle(d, d.Time)
	return next
}

// laterThan reports whether a set in force is a later version than one that comes.
func (i *installed) laterThan(s *installed) bool {
	return i.Seq > s.Seq && (i.Mailbox.IsZero() || i.Mailbox == s.Mailbox)
}

// settle remembers a delivery that is not in force. now is Unix seconds.
func (l *ledger) settle(d device.Delivered, now uint64) {
	l.Others = append(l.Others, d)
	more := len(l.Others) - maxSettled
	l.Others = slices.DeleteFunc(l.Others, func(o device.Delivered) bool {
		gone := more > 0 && o.Until <= now
		if gone {
			more--
		}
		return gone
	})
}

// subjects are the deliveries that are remembered.
func (l *ledger) subjects() map[state.Word]bool {
	all := make(map[state.Word]bool, len(l.Others)+len(l.Sets))
	for i := range l.Others {
		all[l.Others[i].Subject] = true
	}
	for i := range l.Sets {
		all[l.Sets[i].Subject] = true
	}
	return all
}

// all is what became of every delivery that is remembered, by sequence.
func (l *ledger) all() []device.Delivered {
	list := slices.Clone(l.Others)
	for _, s := range l.Sets {
		list = append(list, s.Delivered)
	}
	slices.SortFunc(list, func(a, b device.Delivered) int { return int(int64(a.Seq) - int64(b.Seq)) })
	return list
}
