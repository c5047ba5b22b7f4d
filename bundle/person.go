package bundle

import (
	"fmt"

	"dpki/state"
)

// Person is the content of purpose 8: where a person was enrolled. It holds no
// key: people read their own mailbox and what is public, never a zone.
type Person struct {
	Version  int        `json:"version"` // 1
	Name     string     `json:"name"`
	Zone     state.Word `json:"zone"`
	ZoneName string     `json:"zone_name"`
}

// Marshal checks and encodes the content.
func (p *Person) Marshal() ([]byte, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	return marshalContent(p)
}

// ParsePerson decodes the content of a bundle with purpose 8.
func ParsePerson(b []byte) (*Person, error) {
	p := &Person{}
	if err := decodeStrict(b, MaxContent, p); err != nil {
		return nil, fmt.Errorf("enrolment: %w", err)
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Person) check() error {
	switch {
	case p.Version != 1:
		return malformed("enrolment of version %d", p.Version)
	case !state.ValidName(p.Name) || !state.ValidName(p.ZoneName):
		return malformed("enrolment: name %.80q in zone %.80q", p.Name, p.ZoneName)
	case p.Zone.IsZero():
		return malformed("enrolment without a zone")
	}
	return nil
}
