package bundle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"
)

// maxJSONDepth bounds nesting: the deepest form here is an object in a list in
// an object in a list in an object.
const maxJSONDepth = 8

// decodeStrict decodes exactly one JSON value of at most max bytes into v.
//
// encoding/json alone is lenient where two readers could then disagree: it
// takes the last of two equal keys, matches keys without regard to case,
// ignores null, and replaces broken UTF-8. All of these are refused here, and
// so are unknown keys and trailing data.
func decodeStrict(b []byte, max int, v any) error {
	if len(b) > max {
		return fmt.Errorf("%d bytes of JSON, at most %d: %w", len(b), max, ErrTooLarge)
	}
	if !utf8.Valid(b) {
		return malformed("JSON that is not UTF-8")
	}
	if err := checkJSON(b); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		// The types of the fields refuse without quoting secrets, and
		// encoding/json quotes numbers and keys at most.
		return fmt.Errorf("%w: %w", err, ErrMalformed)
	}
	return nil
}

// checkJSON walks the tokens for what encoding/json would let pass.
func checkJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if err := checkValue(d, 0); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return malformed("data after the JSON value")
	}
	return nil
}

func checkValue(d *json.Decoder, depth int) error {
	if depth > maxJSONDepth {
		return malformed("JSON nested too deep")
	}
	t, err := d.Token()
	if err != nil {
		return malformed("JSON syntax")
	}
	switch t {
	case nil:
		return malformed("null in JSON")
	case json.Delim('['):
		for d.More() {
			if err := checkValue(d, depth+1); err != nil {
				return err
			}
		}
	case json.Delim('{'):
		if err := checkObject(d, depth); err != nil {
			return err
		}
	default:
		return nil
	}
	if _, err := d.Token(); err != nil { // the closing delimiter
		return malformed("JSON syntax")
	}
	return nil
}

func checkObject(d *json.Decoder, depth int) error {
	seen := make(map[string]bool)
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return malformed("JSON syntax")
		}
		key, ok := t.(string)
		if !ok || !plainKey(key) {
			return malformed("JSON key")
		}
		if seen[key] {
			return malformed("JSON key %q twice", key)
		}
		seen[key] = true
		if err := checkValue(d, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// plainKey admits lower-case ASCII only, so that no key can match a field by
// folding its case.
func plainKey(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return len(s) > 0 && len(s) <= 64
}
