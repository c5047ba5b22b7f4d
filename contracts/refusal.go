package contracts

import (
	"encoding/hex"
	"fmt"
	"math/big"
	"reflect"
	"strings"

	"github.com/ethereum/go-ethereum/common"
)

// Refusal is a reason with which the contract reverted: one of the errors in
// src/IDPKI.sol. It changed nothing.
type Refusal struct {
	Name   string // "NotAdmin", "SubjectUsed", ...
	Reason any    // the bindings' type of that name, *bindings.DPKINotAdmin, ...
}

// maxRefusal bounds the data of a revert that is looked at, in bytes: the
// contract's own are a selector and at most two words.
const maxRefusal = 4 + 2*32

// Error names the refusal and its arguments: "the contract refused:
// InvalidWindow(from 5, until 4)".
func (r *Refusal) Error() string {
	v := reflect.Indirect(reflect.ValueOf(r.Reason))
	args := make([]string, v.NumField())
	for i := range args {
		args[i] = strings.ToLower(v.Type().Field(i).Name) + " " + argument(v.Field(i).Interface())
	}
	return fmt.Sprintf("the contract refused: %s(%s)", r.Name, strings.Join(args, ", "))
}

func argument(v any) string {
	switch v := v.(type) {
	case [32]byte:
		return hex.EncodeToString(v[:])
	case common.Address:
		return "0x" + hex.EncodeToString(v[:])
	case *big.Int:
		return v.String()
	}
	return fmt.Sprint(v)
}

// ParseRefusal decodes the data of a revert. It is false for data that this
// contract does not give, such as running out of gas.
func ParseRefusal(data []byte) (*Refusal, bool) {
	if len(data) < 4 || len(data) > maxRefusal {
		return nil, false
	}
	reason, err := abi.UnpackError(data)
	if err != nil {
		return nil, false
	}
	name := strings.TrimPrefix(reflect.Indirect(reflect.ValueOf(reason)).Type().Name(), "DPKI")
	return &Refusal{Name: name, Reason: reason}, true
}
