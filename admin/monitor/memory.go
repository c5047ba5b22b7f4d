package monitor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"dpki/admin/home"
	"dpki/state"
)

const (
	// maxMemory bounds the state file, in bytes.
	maxMemory = 64 << 20
	// maxPending is how many alerts wait for a sink. More are not judged: the log
	// keeps them.
	maxPending = 10_000
)

// Errors of the state file.
var (
	ErrMemory = errors.New("the monitor's state cannot be used")
	ErrTwice  = errors.New("another monitor uses this state")
)

// memory is the state file.
type memory struct {
	Version    int                        `json:"version"`
	Org        state.Word                 `json:"org"`
	Scopes     map[state.Word]*cursor     `json:"scopes"`
	Conditions map[string]*conditionState `json:"conditions"`
	Pending    []*pending                 `json:"pending"`
	LastEntry  uint64                     `json:"last_entry"` // Unix seconds

	path string
	lock *os.File
}

// cursor is how far a log was judged: final entries up to Seq, and after them
// those whose running hash was Seen.
type cursor struct {
	Seq  uint64       `json:"seq"`
	H    state.Word   `json:"h"`
	Seen []state.Word `json:"seen,omitempty"`
}

// conditionState is one that began; Told once it lasted long enough.
type conditionState struct {
	Kind  string    `json:"kind"`
	Text  string    `json:"text"`
	Since time.Time `json:"since"`
	Told  bool      `json:"told"`
}

// pending is an alert and the sinks that have not taken it yet.
type pending struct {
	Alert Alert    `json:"alert"`
	Sinks []string `json:"sinks"`
}

// remember opens the state file and locks it; first reports that there was none.
// One that is damaged is an error: to begin anew would hide what was missed.
func remember(path string, org state.Word) (m *memory, first bool, err error) {
	if err := home.Make(filepath.Dir(path)); err != nil {
		return nil, false, err
	}
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, false, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return nil, false, fmt.Errorf("%w: %s", ErrTwice, path)
	}
	b, err := home.Read(path, maxMemory)
	if errors.Is(err, fs.ErrNotExist) {
		return &memory{Version: 1, Org: org, Scopes: map[state.Word]*cursor{}, Conditions: map[string]*conditionState{}, path: path, lock: lock}, true, nil
	}
	if err == nil {
		m, err = parseMemory(b, org)
	}
	if err != nil {
		lock.Close()
		return nil, false, fmt.Errorf("%w: %s: %w", ErrMemory, path, err)
	}
	m.path, m.lock = path, lock
	return m, false, nil
}

// parseMemory reads the state file. It is trusted, and may be damaged.
func parseMemory(b []byte, org state.Word) (*memory, error) {
	m := &memory{}
	if err := json.Unmarshal(b, m); err != nil {
		return nil, err
	}
	if m.Version != 1 || m.Org != org {
		return nil, errors.New("it is of another version or organisation")
	}
	damaged := m.Scopes == nil || m.Conditions == nil || slices.Contains(m.Pending, nil)
	for _, c := range m.Scopes {
		damaged = damaged || c == nil
	}
	for _, c := range m.Conditions {
		damaged = damaged || c == nil
	}
	if damaged {
		return nil, errors.New("it is damaged")
	}
	return m, nil
}

func (m *memory) save() error {
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return home.Replace(m.path, b)
}

func (m *memory) close() { m.lock.Close() }
