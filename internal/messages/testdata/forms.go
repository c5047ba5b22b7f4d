package forms

import (
	"errors"
	"fmt"
)

var ErrSample = errors.New("a sentinel")

type Problem struct{ Text, Hint string }

func all(name string, err error) []any {
	return []any{
		problem(1, "see "+name+" list", "zone %.40q is not there", name),
		because(err, 1, "", "it failed: "+fmt.Sprintf("%v", err)),
		&Problem{Text: "no keys here", Hint: "make some"},
		[]struct {
			is   error
			code int
			hint string
		}{{forms.ErrSample, 2, "do this"}},
		problem(1, "not shown", name),
	}
}

func problem(...any) error { return nil }
func because(...any) error { return nil }
