//go:build !ledger

package chainkey

import "fmt"

// ledger says that the releases' static programs cannot reach USB devices: that
// takes C libraries, and a build with the tag `ledger`.
func ledger(External) (Signer, error) {
	return nil, fmt.Errorf("%w: this build cannot reach a Ledger; build dpki with -tags ledger, or run clef beside it", ErrSigner)
}
