package receive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"dpki/admin/fault"
	"dpki/admin/home"
	"dpki/admin/ledger"
	"dpki/bundle"
	"dpki/state"
)

// maxSearched bounds the file, in bytes.
const maxSearched = 16 << 20

// searched is what the search for a person's own enrolment has found, kept so that
// each batch is looked through once. Without it the search begins again.
type searched struct {
	Version int                   `json:"version"`
	Nothing map[string]bool       `json:"nothing"` // subjects of batches that hold nothing for him
	Found   map[string]foundBatch `json:"found"`   // by zone
	// Called is what each zone is called here.
	Called map[string]string `json:"called"`
	path   string
}

// foundBatch is the batch that says where he is enrolled, and what it says.
type foundBatch struct {
	Batch  state.Word    `json:"batch"`
	Person bundle.Person `json:"person"`
}

func loadSearched(dir string) *searched {
	s := &searched{}
	path := filepath.Join(dir, "enrolment.json")
	b, err := home.Read(path, maxSearched)
	if err != nil || json.Unmarshal(b, s) != nil || s.Version != 1 || s.Nothing == nil || s.Found == nil {
		s = &searched{Version: 1, Nothing: map[string]bool{}, Found: map[string]foundBatch{}}
	}
	if s.Called == nil {
		s.Called = map[string]string{}
	}
	s.path = path
	return s
}

// call is what a zone is called here, which is how it was called first. Another one
// that says it has the same name does not take its folder, nor what ssh knows of it.
func (s *searched) call(zone state.Word, name string) string {
	if known, ok := s.Called[zone.String()]; ok {
		return known
	}
	taken := slices.Collect(maps.Values(s.Called))
	for _, as := range []string{name, name + "-" + zone.String()[:8], name + "-" + zone.String()} {
		if !slices.Contains(taken, as) {
			name = as
			break
		}
	}
	s.Called[zone.String()] = name
	return name
}

// save does not fail: without it everything works, slower.
func (s *searched) save() {
	if b, err := json.Marshal(s); err == nil && home.Make(filepath.Dir(s.path)) == nil {
		_ = home.Replace(s.path, b)
	}
}

// places are where this person is enrolled, by the name of the zone.
func (r *Receiver) places(ctx context.Context) ([]Place, error) {
	if err := r.read(ctx, r.Anchor.Org); err != nil {
		return nil, err
	}
	if len(r.Ledger.Entries(r.Anchor.Org)) == 0 {
		return nil, fault.NoOrganisation(r.Anchor)
	}
	now := r.Ledger.Head().Time
	zones := slices.Collect(r.Ledger.State(state.Scopes{Org: r.Anchor.Org}, nil).Zones(now))
	if err := r.read(ctx, zones...); err != nil {
		return nil, err
	}
	var list []Place
	var trouble error
	for _, zone := range zones {
		mailbox := r.Identity.MailboxSecret().Mailbox(zone)
		view := r.Ledger.State(state.Scopes{Org: r.Anchor.Org, Zone: zone, Mailbox: mailbox}, nil)
		found, err := r.enrolment(ctx, zone, view, now)
		if err != nil {
			trouble = err
		}
		if found != nil {
			list = append(list, Place{Name: found.Name, Zone: r.search.call(zone, found.ZoneName), ID: mailbox.String(), Retired: view.Retired(), zone: zone, mailbox: mailbox})
		}
	}
	r.search.save()
	if trouble != nil && len(list) == 0 {
		return nil, fault.Because(trouble, fault.Later, "try again; the stores of the network file: dpki network show", "where you are enrolled could not be fetched")
	}
	if trouble != nil {
		r.warnings = append(r.warnings, "part of where you are enrolled could not be fetched: "+fault.OneLine(trouble))
	}
	return list, nil
}

// enrolment is the newest that one zone's batches hold for this person, nil for
// none. A batch that nobody serves is an error, and no other waits for it.
func (r *Receiver) enrolment(ctx context.Context, zone state.Word, view *state.State, now uint64) (*bundle.Person, error) {
	var trouble error
	known, have := r.search.Found[zone.String()]
	for _, e := range slices.Backward(r.Ledger.Entries(zone)) {
		if e.Kind != state.KindBatch || e.Action != state.ActionPut || r.search.Nothing[e.Subject.String()] {
			continue
		}
		standing := view.Standing(ledger.FactOf(zone, &e), now)
		if standing == state.Revoked || standing == state.Distrusted {
			continue
		}
		if have && known.Batch == e.Subject {
			return &known.Person, trouble
		}
		p, err := r.searchBatch(ctx, zone, &e)
		switch {
		case err == nil && p != nil:
			r.search.Found[zone.String()] = foundBatch{e.Subject, *p}
			return p, trouble
		case err == nil:
			r.search.Nothing[e.Subject.String()] = true
		default:
			trouble = err
		}
	}
	return nil, trouble
}

// searchBatch looks through one batch: nil without an error holds nothing for him.
func (r *Receiver) searchBatch(ctx context.Context, zone state.Word, e *state.Entry) (*bundle.Person, error) {
	root, err := state.ParseBatch(e.Data)
	if err != nil {
		return nil, nil
	}
	var found *bundle.Person
	fact := &state.BatchFact{Fact: state.Fact{Scope: zone, Subject: e.Subject}, Root: root}
	from := &fetching{from: r.cache}
	err = r.Identity.ReadBatch(ctx, from, r.Anchor, fact, func(b *bundle.Bundle) error {
		p, err := bundle.ParsePerson(b.Content)
		if err == nil && p.Zone != zone {
			err = fmt.Errorf("an enrolment in zone %s, announced in zone %s: %w", p.Zone.Short(), zone.Short(), bundle.ErrWrongPlace)
		}
		if err == nil {
			found = p
		}
		return err
	}, bundle.PurposePerson)
	if from.failed != nil {
		return nil, err // a store's answer, whatever it was, says nothing of the batch
	}
	for _, never := range []error{bundle.ErrNotInBatch, bundle.ErrMalformed, bundle.ErrWrongPlace, bundle.ErrNotForUs, bundle.ErrAltered} {
		if errors.Is(err, never) {
			if never != bundle.ErrNotInBatch {
				r.warnings = append(r.warnings, fmt.Sprintf("something for you in batch %s is refused: %s", e.Subject.Short(), fault.OneLine(err)))
			}
			return nil, nil
		}
	}
	return found, err
}

// fetching notes that something could not be fetched: that stores answer with other
// bytes is none of what the batch's author has done.
type fetching struct {
	from   bundle.Getter
	failed error
}

func (f *fetching) Get(ctx context.Context, id bundle.CID, max int) ([]byte, error) {
	b, err := bundle.Fetch(ctx, f.from, id, max)
	if err != nil {
		f.failed = err
	}
	return b, err
}
