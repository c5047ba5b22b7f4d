package contracts

import (
	"encoding/hex"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"dpki/state"
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
// Frozen(until 2026-12-31T00:00:00Z)".
func (r *Refusal) Error() string {
	v := reflect.Indirect(reflect.ValueOf(r.Reason))
	args := make([]string, v.NumField())
	for i := range args {
		name := strings.ToLower(v.Type().Field(i).Name)
		args[i] = name + " " + argument(name, v.Field(i).Interface())
	}
	return fmt.Sprintf("the contract refused: %s(%s)", r.Name, strings.Join(args, ", "))
}

var never = new(big.Int).SetUint64(state.Never)

// times are the arguments that are Unix seconds, 0 being none.
var times = []string{"from", "until", "deadline"}

func argument(name string, v any) string {
	switch v := v.(type) {
	case [32]byte:
		return hex.EncodeToString(v[:])
	case common.Address:
		return "0x" + hex.EncodeToString(v[:])
	case *big.Int:
		if slices.Contains(times, name) && v.Sign() > 0 && v.Cmp(never) < 0 {
			return time.Unix(v.Int64(), 0).UTC().Format(time.RFC3339)
		}
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
