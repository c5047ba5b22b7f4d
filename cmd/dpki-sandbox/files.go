package main

import (
	"crypto/rand"
	"encoding/base64"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"dpki/internal/devchain"
	"dpki/internal/network"

	"github.com/ethereum/go-ethereum/accounts/keystore"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/google/uuid"
)

const (
	networkName    = "network.toml"
	keystoreName   = "admin.json"
	passphraseName = "admin.passphrase"
)

// lastPort is the port of the folder's network file, 0 where there is none.
func lastPort(dir string) int {
	n, err := network.Load(filepath.Join(dir, networkName))
	if err != nil || len(n.Endpoints) == 0 {
		return 0
	}
	u, err := url.Parse(n.Endpoints[0])
	if err != nil {
		return 0
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		return 0
	}
	return port
}

// writeFiles writes what other commands are given.
func writeFiles(dir string, c *devchain.Chain) error {
	if err := writeKeystore(dir, c); err != nil {
		return err
	}
	n := c.Network()
	n.Endpoints = []string{c.WS} // asked by HTTP at the same place, and announces new blocks
	text, err := n.Marshal()
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, networkName), text)
}

// writeKeystore writes the account as the keystore file that the chain-key
// signer reads, unless it is there.
func writeKeystore(dir string, c *devchain.Chain) error {
	path := filepath.Join(dir, keystoreName)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	secret := make([]byte, 18)
	if _, err := rand.Read(secret); err != nil {
		return err
	}
	passphrase := base64.RawURLEncoding.EncodeToString(secret)
	id, err := uuid.NewRandom()
	if err != nil {
		return err
	}
	// The weak key derivation is enough for an account that is worth nothing,
	// and twenty times as fast.
	key := &keystore.Key{Id: id, Address: crypto.PubkeyToAddress(c.Admin.PublicKey), PrivateKey: c.Admin}
	blob, err := keystore.EncryptKey(key, passphrase, keystore.LightScryptN, keystore.LightScryptP)
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, passphraseName), []byte(passphrase+"\n")); err != nil {
		return err
	}
	return writeFile(path, blob)
}

// writeFile puts a file of mode 0600 in place whole.
func writeFile(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-") // of mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
