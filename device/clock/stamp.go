package clock

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// ErrStamp says that bytes are not a stamp.
var ErrStamp = errors.New("not a clock stamp")

// stamp is the form on disk, JSON. Durations are nanoseconds since boot.
type stamp struct {
	Version    int           `json:"version"` // 1
	BootID     string        `json:"boot_id"`
	Live       bool          `json:"live"`
	Block      uint64        `json:"block"`
	Rose       time.Duration `json:"rose"`
	Seen       time.Duration `json:"seen"`
	Estimate   uint64        `json:"estimate"`
	EstimateAt time.Duration `json:"estimate_at"`
	Floor      uint64        `json:"floor"`   // verified time when this was written
	Age        time.Duration `json:"age"`     // when this was written
	At         time.Duration `json:"at"`      // when this was written
	Carried    time.Duration `json:"carried"` // what an earlier boot had left
	Old        uint64        `json:"old"`     // floor that an earlier boot had left
	SeenWall   uint64        `json:"seen_wall,omitempty"`
}

// Stamp is v's form on disk, as seen at r.
func (v Verified) Stamp(c Clock, r Reading) []byte {
	floor := v.floor
	if v.Live {
		floor = v.Floor(r)
	}
	b, err := json.Marshal(stamp{
		Version: 1, BootID: c.BootID, Live: v.Live, Block: v.Block, Rose: v.Rose, Seen: v.Seen,
		Estimate: v.estimate, EstimateAt: v.estimateAt, Floor: floor, Age: v.ageWithoutWall(r), At: r.Boot,
		Carried: v.carried, Old: v.floor, SeenWall: v.seenWall,
	})
	if err != nil {
		panic(err) // numbers and a string
	}
	return b
}

// ageWithoutWall: an age that is kept must not hold what a wrong wall clock
// claimed once.
func (v Verified) ageWithoutWall(r Reading) time.Duration {
	r.Wall = 0
	return v.Age(r)
}

// Restore reads a stamp. Within the boot that wrote it everything goes on; in a
// later one time has a floor, and age what it had plus the time since boot. No
// bytes give the zero value.
func Restore(b []byte, c Clock) (Verified, error) {
	if len(b) == 0 {
		return Verified{}, nil
	}
	var s stamp
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil || s.Version != 1 || s.Age < 0 || s.BootID == "" {
		return Verified{}, fmt.Errorf("%w: %.100q", ErrStamp, b)
	}
	if s.BootID == c.BootID && s.At <= c.Boot() {
		return Verified{
			Block: s.Block, Rose: s.Rose, Seen: s.Seen, Live: s.Live, estimate: s.Estimate, estimateAt: s.EstimateAt,
			floor: s.Old, carried: s.Carried, seenWall: s.SeenWall,
		}, nil
	}
	return Verified{Block: s.Block, floor: s.Floor, carried: s.Age}, nil
}
