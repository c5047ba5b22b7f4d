package contracts

import (
	"fmt"
	"reflect"
	"strings"
)

// Refusal is a reason with which the contract reverted: one of the errors in
// src/IDPKI.sol. It changed nothing.
type Refusal struct {
	Name   string // "NotAdmin", "SubjectUsed", ...
	Reason any    // the bindings' type of that name, *bindings.DPKINotAdmin, ...
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("the contract refused: %s %v", r.Name, reflect.Indirect(reflect.ValueOf(r.Reason)))
}

// ParseRefusal decodes the data of a revert. It is false for data that this
// contract does not give, such as running out of gas.
func ParseRefusal(data []byte) (*Refusal, bool) {
	if len(data) < 4 {
		return nil, false
	}
	reason, err := abi.UnpackError(data)
	if err != nil {
		return nil, false
	}
	name := strings.TrimPrefix(reflect.Indirect(reflect.ValueOf(reason)).Type().Name(), "DPKI")
	return &Refusal{Name: name, Reason: reason}, true
}
