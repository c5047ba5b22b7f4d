package admin

import "dpki/admin/fault"

// Problem is an error for people; Class is what kind of not-success it is.
type (
	Problem = fault.Problem
	Class   = fault.Class
)

// Classes.
const (
	Failed = fault.Failed
	Usage  = fault.Usage
	No     = fault.No
	Later  = fault.Later
)

func problem(class Class, hint, format string, args ...any) *Problem {
	return fault.New(class, hint, format, args...)
}

func because(err error, class Class, hint, format string, args ...any) error {
	return fault.Because(err, class, hint, format, args...)
}

// OneLine is what an error says, in one line.
func OneLine(err error) string { return fault.OneLine(err) }
