package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"dpki/registry"
	"dpki/state"
)

// Config is what a Reader is told once.
type Config struct {
	Registry state.Registry
	Org      state.Word
	// CodeHash is the hash of the code that must stand at the address:
	// contracts/code has it. Zero matches no contract.
	CodeHash state.Word
	// Deploy is the block that the contract was deployed in, or any before it.
	Deploy uint64
	// Policy decides what to believe; nil is Agreement{K: 1}.
	Policy HeadPolicy
	// Witnesses must have signed a block before it counts; zero asks for none.
	Witnesses Witnesses
	// Archives may have what endpoints no longer serve of old logs.
	Archives []Archive
	// Leaps reports that a head is too far ahead to be believed after the last
	// one that was: a number or time that was made up once would make every true
	// one look old for ever. It is called concurrently. nil believes all.
	Leaps func(last, next Head) bool
	// Sparing reports that nobody waits for what is safe or final, so that looks
	// need not ask while the Reader does not either. nil = they always ask.
	Sparing func() bool
	// Known is what the caller's journal holds; the zero value is a new reader.
	Known Known
}

// maxScopes is how many scopes one Reader follows: each costs up to two words
// of one proof, H and a C word to join at.
const maxScopes = registry.MaxSlots / 2

// ErrConfig says that a Reader was configured with what can never work.
var ErrConfig = errors.New("reader misconfigured")

// Reader follows scopes of one organisation.
type Reader struct {
	config    Config
	endpoints []Endpoint
	scopes    []state.Word
	known     Known
	spans     map[string]uint64   // blocks that an endpoint takes in one question, 0 = any
	pending   int                 // maxPending, less in tests
	judged    map[state.Word]bool // proven words that were looked at for a rollback, and whether they were
	seen      []seenTip           // tips that wait for witnesses
	named     []string            // endpoints and witnesses, as they were configured
	records   map[string]*record  // how each of them has done
	settled   uint64              // time of the last head whose look asked for what is final; 0 = none
}

// NewReader makes a Reader that asks the endpoints in their order, and those that
// lied or did not answer lately after the others.
func NewReader(config Config, endpoints []Endpoint) (*Reader, error) {
	if config.Policy == nil {
		config.Policy = Agreement{K: 1}
	}
	voices := map[string]bool{}
	for _, e := range endpoints {
		voices[e.voice()] = true
	}
	if need := config.Policy.AtLeast(); need < 1 || len(voices) < need {
		return nil, fmt.Errorf("%w: %d independent endpoints, the policy needs %d and at least one", ErrConfig, len(voices), need)
	}
	if err := config.Witnesses.check(); err != nil {
		return nil, err
	}
	for i, e := range endpoints {
		if slices.ContainsFunc(endpoints[:i], func(o Endpoint) bool { return o.Name == e.Name }) {
			// It would agree with itself.
			return nil, fmt.Errorf("%w: endpoint %q twice", ErrConfig, e.Name)
		}
	}
	r := &Reader{config: config, endpoints: slices.Clone(endpoints), known: config.Known.clone(),
		spans: map[string]uint64{}, pending: maxPending, judged: map[state.Word]bool{}}
	r.begin(endpoints, config.Witnesses.All)
	return r, nil
}

// Follow sets the scopes to read from the next Tick on, at most maxScopes. What
// is known of a scope stays known while it is not followed.
func (r *Reader) Follow(scopes ...state.Word) error {
	var set []state.Word
	for _, s := range scopes {
		if !slices.Contains(set, s) {
			set = append(set, s)
		}
	}
	if len(set) > maxScopes {
		return fmt.Errorf("%w: %d scopes, at most %d", ErrConfig, len(set), maxScopes)
	}
	r.scopes = set
	return nil
}

// maxTries is how often an endpoint's view is tried in one Tick: a block that
// arrives between two questions makes an honest endpoint contradict itself.
const maxTries = 2

// Tick looks at the tip once and verifies everything up to it. On error nothing
// has changed; the error joins an *EndpointError for every endpoint that was
// not believed.
func (r *Reader) Tick(ctx context.Context) (*Result, error) {
	if len(r.scopes) == 0 {
		return nil, fmt.Errorf("%w: no scope to follow", ErrConfig)
	}
	r.order()
	t := &tick{Reader: r, spared: r.spares(), tries: map[string]int{}, whole: map[state.Word]bool{}, past: map[string]bool{}}
	res, err := t.run(ctx)
	if ctx.Err() == nil { // else those who did not answer may only have been given too little time
		believed := t.signed
		if res != nil {
			believed = append(believed, res.From...)
		}
		r.note(append(t.alarms, t.unsigned...), believed)
	}
	return res, err
}

func (t *tick) run(ctx context.Context) (*Result, error) {
	for {
		view, err := t.look(ctx, t.tipSlots())
		var joins map[state.Word]join
		if err == nil {
			if joins = t.plan(ctx, view); len(joins) > 0 {
				view, err = t.look(ctx, append(t.tipSlots(), t.joinSlots(joins)...))
			}
		}
		if err != nil {
			return nil, errors.Join(append(t.alarms, err)...)
		}
		res, err := t.follow(ctx, view, joins)
		if err == nil {
			return res, nil
		}
		if ctx.Err() != nil {
			return nil, errors.Join(append(t.alarms, err)...)
		}
		if len(joins) > 0 {
			// What chose the C words were hints: read the whole logs before
			// anybody is blamed.
			for scope := range joins {
				t.whole[scope] = true
			}
			continue
		}
		t.blame(view.From, err)
	}
}

// Commit makes a Result what the next Tick starts from.
func (r *Reader) Commit(res *Result) {
	r.known = res.known
	if !res.spared {
		r.settled = res.Head.Time
	}
}

// Known is a copy of what the Reader remembers.
func (r *Reader) Known() Known { return r.known.clone() }

// tick is the work of one Tick.
type tick struct {
	*Reader
	spared bool                // it does not ask for what is safe and final
	tries  map[string]int      // failures by endpoint
	whole  map[state.Word]bool // scopes to replay from their first entry, since joining at a C word failed
	past   map[string]bool     // endpoints that were asked for blocks after their head
	alarms []error

	signed   []string // witnesses that gave a checkpoint
	unsigned []error  // why others gave none
}

// blame notes why endpoints were not believed, and stops asking those whose
// answer cannot be a matter of timing.
func (t *tick) blame(endpoints []string, err error) {
	for _, name := range endpoints {
		t.alarms = append(t.alarms, &EndpointError{Endpoint: name, Err: err})
		t.tries[name]++
		if errors.Is(err, ErrRollback) {
			t.tries[name] = maxTries
		}
	}
}

func (t *tick) usable(e Endpoint) bool { return t.tries[e.Name] < maxTries }

// tipSlots are the words that every Tick proves: H of each scope.
func (t *tick) tipSlots() []state.Word {
	slots := make([]state.Word, len(t.scopes))
	for i, scope := range t.scopes {
		slots[i] = SlotH(t.config.Org, scope)
	}
	return slots
}
