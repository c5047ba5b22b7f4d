package fault

import (
	"errors"
	"fmt"
	"strings"
)

// Class says what kind of not-success an error is: the exit status of design
// "Commands". The zero value is a failure.
type Class int

// Classes.
const (
	Failed Class = 1 // it did not work
	Usage  Class = 2 // the request or the configuration makes no sense
	No     Class = 3 // the question was answered, and the answer is no
	Later  Class = 4 // it may work later: an endpoint or store is away
)

// Problem is an error for people: what happened and what to do next.
type Problem struct {
	Class Class
	Text  string
	Hint  string // one sentence, may be empty
	Err   error  // cause, may be nil
}

func (p *Problem) Error() string {
	if p.Err != nil {
		return p.Text + ": " + p.Err.Error()
	}
	return p.Text
}

func (p *Problem) Unwrap() error { return p.Err }

// New is a Problem without a cause.
func New(class Class, hint, format string, args ...any) *Problem {
	return &Problem{Class: class, Text: fmt.Sprintf(format, args...), Hint: hint}
}

// Because adds a text and a hint to an error, unless it is a Problem already:
// whoever is nearest to the cause knows best.
func Because(err error, class Class, hint, format string, args ...any) error {
	var p *Problem
	if err == nil || errors.As(err, &p) {
		return err
	}
	return &Problem{Class: class, Text: fmt.Sprintf(format, args...), Hint: hint, Err: err}
}

// OneLine is what an error says, where it says it in several lines: errors that
// were joined, as those of several endpoints.
func OneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
