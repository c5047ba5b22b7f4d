package route

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"dpki/bundle"
	"dpki/registry"
	"dpki/registry/segment"
	"dpki/state"
)

const (
	// MaxPath bounds a path, in bytes: MaxSlots words and what stands before.
	MaxPath = 4096
	// MaxFile bounds what a mirror passes on without knowing what it is, in bytes.
	MaxFile = 256 << 10

	prefix  = "/dpki/1/"
	maxName = 200
)

// ErrPath says that a path asks no question.
var ErrPath = errors.New("not a path of a mirror")

// Head asks for the tip.
type Head struct{ registry.HeadQuery }

// Logs asks for entries. Its Max is not part of the path.
type Logs struct{ registry.LogQuery }

// Headers asks for headers by number.
type Headers struct{ Numbers []uint64 }

// Segment asks for a log segment.
type Segment struct {
	Scope state.Word
	Index uint64
}

// Witness asks for a file of the witnesses'.
type Witness struct{ Name string } // 1 to 200 of a-z A-Z 0-9 . _ -, the first not a dot

// Receipt asks for, or PUTs, the receipt that was signed by a key.
type Receipt struct{ Key state.Word } // Ed25519

// Block asks for a block.
type Block struct{ ID bundle.CID }

// Question is one of the types above.
type Question interface{ Path() string }

// Path implements Question.
func (q Head) Path() string { return prefix + "head/" + q.Contract.String() + "/" + words(q.Slots) }

// Path implements Question.
func (q Logs) Path() string {
	return prefix + "logs/" + q.Contract.String() + "/" + q.Org.String() + "/" + decimal(q.From) + "-" + decimal(q.To) + "/" + words(q.Scopes)
}

// Path implements Question.
func (q Headers) Path() string {
	numbers := make([]string, len(q.Numbers))
	for i, n := range q.Numbers {
		numbers[i] = decimal(n)
	}
	return prefix + "headers/" + strings.Join(numbers, ",")
}

// Path implements Question.
func (q Segment) Path() string { return prefix + "segments/" + segment.Name(q.Scope, q.Index) }

// Path implements Question.
func (q Witness) Path() string { return prefix + "witness/" + q.Name }

// Path implements Question.
func (q Receipt) Path() string { return prefix + "receipts/" + q.Key.String() }

// Path implements Question.
func (q Block) Path() string { return "/ipfs/" + q.ID.String() }

// Parse reads a path. A question that it returns is within the registry's
// limits, and its Path is the path.
func Parse(path string) (Question, error) {
	if len(path) > MaxPath {
		return nil, fmt.Errorf("%w: %d bytes", ErrPath, len(path))
	}
	q, ok := parse(path)
	if !ok || q.Path() != path {
		return nil, fmt.Errorf("%w: %.100q", ErrPath, path)
	}
	return q, nil
}

func parse(path string) (Question, bool) {
	if text, ok := strings.CutPrefix(path, "/ipfs/"); ok {
		id, err := bundle.ParseCID(text)
		return Block{id}, err == nil
	}
	rest, ok := strings.CutPrefix(path, prefix)
	if !ok {
		return nil, false
	}
	parts := strings.Split(rest, "/")
	what, parts := parts[0], parts[1:]
	switch {
	case what == "head" && len(parts) == 2:
		contract, err := state.ParseAddress(parts[0])
		slots := parseWords(parts[1])
		return Head{registry.HeadQuery{Contract: contract, Slots: slots}}, err == nil && slots != nil
	case what == "logs" && len(parts) == 4:
		return parseLogs(parts)
	case what == "headers" && len(parts) == 1:
		q, ok := parseNumbers(parts[0])
		return q, ok
	case what == "segments" && len(parts) == 1:
		scope, index, err := segment.ParseName(parts[0])
		return Segment{scope, index}, err == nil
	case what == "witness" && len(parts) == 1:
		return Witness{parts[0]}, validName(parts[0])
	case what == "receipts" && len(parts) == 1:
		key, err := state.ParseWord(parts[0])
		return Receipt{key}, err == nil
	}
	return nil, false
}

func parseLogs(parts []string) (Question, bool) {
	contract, err := state.ParseAddress(parts[0])
	if err != nil {
		return nil, false
	}
	org, err := state.ParseWord(parts[1])
	if err != nil {
		return nil, false
	}
	first, last, _ := strings.Cut(parts[2], "-")
	from, err1 := strconv.ParseUint(first, 10, 64)
	to, err2 := strconv.ParseUint(last, 10, 64)
	scopes := parseWords(parts[3])
	q := registry.LogQuery{Contract: contract, Org: org, Scopes: scopes, From: from, To: to}
	return Logs{q}, err1 == nil && err2 == nil && from <= to && scopes != nil
}

func parseNumbers(text string) (Headers, bool) {
	var q Headers
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.ParseUint(part, 10, 64)
		if err != nil || len(q.Numbers) == registry.MaxHeaders {
			return Headers{}, false
		}
		q.Numbers = append(q.Numbers, n)
	}
	return q, true
}

// words of none is empty, which parseWords refuses.
func words(list []state.Word) string {
	text := make([]string, len(list))
	for i, w := range list {
		text[i] = w.String()
	}
	return strings.Join(text, ",")
}

// parseWords is nil unless the text is 1 to MaxSlots words.
func parseWords(text string) []state.Word {
	var list []state.Word
	for part := range strings.SplitSeq(text, ",") {
		w, err := state.ParseWord(part)
		if err != nil || len(list) == registry.MaxSlots {
			return nil
		}
		list = append(list, w)
	}
	return list
}

func validName(name string) bool {
	if name == "" || len(name) > maxName || name[0] == '.' {
		return false
	}
	for _, c := range name {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("._-", c)) {
			return false
		}
	}
	return true
}

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }
