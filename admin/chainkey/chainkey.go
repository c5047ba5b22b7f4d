package chainkey

import (
	"crypto/ecdsa"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/keystore"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/google/uuid"

	"dpki/admin/home"
	"dpki/internal/file"
	"dpki/state"
)

// maxFile bounds a keystore file, in bytes.
const maxFile = 64 << 10

// Errors of chain keys.
var (
	ErrPassphrase = errors.New("wrong passphrase")
	ErrFormat     = errors.New("not a keystore V3 file")
	ErrMode       = errors.New("the file may be read by others")
)

// Create makes a new key at path, which must not exist.
func Create(path string, passphrase []byte) (state.Address, error) {
	key, err := crypto.GenerateKey()
	if err != nil {
		return state.Address{}, fmt.Errorf("chain key: %w", err)
	}
	return keep(path, key, passphrase)
}

// Import takes over a key: a keystore V3 file as it is, or a file with 64 hex
// digits, which is encrypted. path must not exist.
func Import(path string, text, passphrase []byte) (state.Address, error) {
	if address, err := keystoreAddress(text); err == nil {
		return address, home.Create(path, text)
	}
	raw, err := hex.DecodeString(strings.TrimPrefix(strings.TrimSpace(string(text)), "0x"))
	if err != nil || len(raw) != 32 {
		return state.Address{}, fmt.Errorf("chain key: %w, and not 64 hex digits", ErrFormat)
	}
	defer clear(raw)
	key, err := crypto.ToECDSA(raw)
	if err != nil {
		return state.Address{}, fmt.Errorf("chain key: %w", ErrFormat)
	}
	return keep(path, key, passphrase)
}

// IsKeystore reports whether the text is a keystore file already, so that no
// new passphrase has to be asked for.
func IsKeystore(text []byte) bool {
	_, err := keystoreAddress(text)
	return err == nil
}

func keep(path string, key *ecdsa.PrivateKey, passphrase []byte) (state.Address, error) {
	address := state.Address(crypto.PubkeyToAddress(key.PublicKey))
	text, err := keystore.EncryptKey(&keystore.Key{Id: uuid.New(), Address: crypto.PubkeyToAddress(key.PublicKey), PrivateKey: key},
		string(passphrase), keystore.StandardScryptN, keystore.StandardScryptP)
	if err != nil {
		return state.Address{}, fmt.Errorf("chain key: %w", err)
	}
	return address, home.Create(path, text)
}

// Address reads the account of a keystore file without opening it.
func Address(path string) (state.Address, error) {
	text, err := read(path)
	if err != nil {
		return state.Address{}, err
	}
	return addressOf(text)
}

// Open decrypts a keystore file.
func Open(path string, passphrase []byte) (*ecdsa.PrivateKey, error) {
	text, err := read(path)
	if err != nil {
		return nil, err
	}
	if _, err := parseExternal(text); err == nil {
		return nil, ErrExternal
	}
	key, err := keystore.DecryptKey(text, string(passphrase))
	if errors.Is(err, keystore.ErrDecrypt) {
		return nil, ErrPassphrase
	}
	if err != nil {
		return nil, fmt.Errorf("chain key: %w: %v", ErrFormat, err)
	}
	address, err := addressOf(text)
	if err != nil || address != state.Address(key.Address) {
		return nil, fmt.Errorf("chain key: %w: it names another account than it holds", ErrFormat)
	}
	return key.PrivateKey, nil
}

func read(path string) ([]byte, error) {
	text, err := file.ReadSecret(path, maxFile, file.FollowLinks)
	if errors.Is(err, file.ErrUnsafe) {
		return nil, fmt.Errorf("%w: %w", ErrMode, err)
	}
	return text, err
}

// addressOf is the account of a keystore file, or of one that says who signs.
func addressOf(text []byte) (state.Address, error) {
	if a, err := keystoreAddress(text); err == nil {
		return a, nil
	}
	e, err := parseExternal(text)
	return e.Address, err
}

func keystoreAddress(text []byte) (state.Address, error) {
	var f struct {
		Version int    `json:"version"`
		Address string `json:"address"`
	}
	if err := json.Unmarshal(text, &f); err != nil || f.Version != 3 {
		return state.Address{}, ErrFormat
	}
	a, err := state.ParseAddress("0x" + strings.ToLower(strings.TrimPrefix(f.Address, "0x")))
	if err != nil {
		return state.Address{}, fmt.Errorf("%w: no address in it", ErrFormat)
	}
	return a, nil
}
