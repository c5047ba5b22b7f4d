package answer

import (
	"fmt"
	"time"

	"dpki/device"
)

// MoveRecord is the audit line of a device that follows its organisation.
type MoveRecord struct {
	Time  time.Time `json:"time"`
	Event string    `json:"event"` // "moved"
	From  string    `json:"from"`
	To    string    `json:"to"`
	Zone  string    `json:"zone"`
}

// MoveRecordOf describes a Move.
func MoveRecordOf(m *device.Move, at time.Time) MoveRecord {
	return MoveRecord{Time: at.UTC(), Event: "moved", From: m.From.String(), To: m.To.String(), Zone: m.Zone.String()}
}

// String is the line for syslog.
func (r MoveRecord) String() string {
	return fmt.Sprintf("moved: the organisation goes on elsewhere: from=%s to=%s zone=%s", r.From, r.To, r.Zone)
}

func (r MoveRecord) alarm() bool { return true }
