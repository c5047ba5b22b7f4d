package admin

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"dpki/admin/home"
	"dpki/state"
)

// The stage of a CA is a file beside its public key, LABEL.stage: "prepared", or
// "signs since SECONDS". It says what only the holder of the key decides, when to
// begin to sign; devices trust the CA from its entry on. Without the file it has
// signed since its entry.
const (
	stageSuffix   = ".stage"
	stagePrepared = "prepared"
	stageSigns    = "signs since "
	maxStage      = 64 // bytes
)

// setStage writes the stage of a CA whose key lies under a label.
func (d *Desk) setStage(label string, prepared bool) error {
	// Certificates are told apart by the block of their grant, which may be ahead of this clock.
	text := stageSigns + strconv.FormatUint(max(uint64(d.Now().Unix()), d.Ledger.Head().Time), 10)
	if prepared {
		text = stagePrepared
	}
	return because(home.Replace(d.caFile(label)+stageSuffix, []byte(text+"\n")), Failed, "", "the stage of CA %s could not be kept", label)
}

// stage is how a CA's key is used here: prepared, or signing since a time, 0 where
// that is its entry's. What cannot be read is prepared: it signs nothing.
func (d *Desk) stage(key state.Word) (prepared bool, since uint64) {
	for _, place := range d.caFiles(key) {
		b, err := home.Read(place+stageSuffix, maxStage)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		seconds, ok := strings.CutPrefix(strings.TrimSuffix(string(b), "\n"), stageSigns)
		at, bad := strconv.ParseUint(seconds, 10, 40)
		if err != nil || !ok || bad != nil {
			return true, 0
		}
		since = max(since, at)
	}
	return false, since
}

func (d *Desk) prepared(key state.Word) bool {
	prepared, _ := d.stage(key)
	return prepared
}

func (d *Desk) stageName(key state.Word) string {
	if d.prepared(key) {
		return stagePrepared
	}
	return "signs"
}

// label of the files in which a CA's key lies; its own label may be another's here.
func (d *Desk) keptLabel(ca knownCA) (string, error) {
	for _, place := range d.caFiles(ca.CA.Key) {
		return filepath.Base(place), nil
	}
	return "", problem(Failed, "run it where the key is: "+fmt.Sprintf("dpki ca import %s FILE", ca.Label), "the key of CA %s is not here", ca.Label)
}
