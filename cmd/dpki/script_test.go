package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/accounts/keystore"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/google/uuid"
	"github.com/rogpeppe/go-internal/testscript"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/internal/anchor"
	"dpki/internal/devchain"
	"dpki/internal/network"
	"dpki/registry/witness"
	"dpki/state"
)

// passphrase opens every key of the scripts. It is looked for in all output.
const passphrase = "correct horse battery staple"

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"dpki": func() {
			out, err := &watched{to: os.Stdout}, &watched{to: os.Stderr}
			code := run(context.Background(), append([]string{"dpki"}, os.Args[1:]...), os.Stdin, out, err)
			for _, w := range []*watched{out, err} {
				if secret := w.secret(); secret != "" {
					fmt.Fprintf(os.Stderr, "dpki showed a secret: %.10q...\n", secret)
					code = 97 // no script wants it
				}
			}
			os.Exit(code)
		},
	})
}

// TestScripts runs testdata/*.txtar against one real chain and content store.
// Each script is an administrator of its own: account, keys, folders.
func TestScripts(t *testing.T) {
	chain := devchain.New(t, devchain.Options{MaxDrift: 2 * time.Minute})
	testscript.Run(t, testscript.Params{
		Dir:   "testdata",
		Setup: func(env *testscript.Env) error { return setUp(env, chain) },
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"status":   status,
			"request":  makeRequest,
			"json":     readJSON,
			"capture":  capture,
			"absent":   absent,
			"mode":     checkMode,
			"keystore": makeKeystore(chain),
			"within":   within,
			"enter":    enter(chain),
			"serve":    serve(chain),

			"eventually": eventually,
		},
	})
}

// setUp gives a script its folders, a funded account and the network file.
func setUp(env *testscript.Env, chain *devchain.Chain) error {
	work := env.WorkDir
	for name, dir := range map[string]string{"HOME": "home", "XDG_CONFIG_HOME": "config", "XDG_STATE_HOME": "cache"} {
		env.Setenv(name, filepath.Join(work, dir))
	}
	env.Setenv("SSH_AUTH_SOCK", "")
	if err := os.MkdirAll(filepath.Join(work, "home", ".ssh"), 0o700); err != nil {
		return err
	}
	key, err := crypto.GenerateKey()
	if err != nil {
		return err
	}
	address := state.Address(crypto.PubkeyToAddress(key.PublicKey))
	if err := fund(chain, address, 10); err != nil {
		return err
	}
	env.Setenv("ACCOUNT", address.String())
	env.Values[accountKey] = key
	if err := writeKeystore(filepath.Join(work, "admin.json"), key); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(work, "pass"), []byte(passphrase+"\n"), 0o600); err != nil {
		return err
	}
	text, err := chain.Network().Marshal()
	if err != nil {
		return err
	}
	env.Setenv("ENDPOINT", chain.HTTP)
	env.Setenv("CONTRACT", chain.Contract.String())
	return os.WriteFile(filepath.Join(work, "network.toml"), text, 0o600)
}

// funding is held while the chain's own account sends: scripts run beside each
// other, and it has one nonce.
var funding sync.Mutex

func fund(chain *devchain.Chain, to state.Address, ether int64) error {
	funding.Lock()
	defer funding.Unlock()
	return chain.Fund(context.Background(), to, devchain.Ether(ether))
}

const accountKey = "account's key"

// enter: enter ANCHOR LIMIT KIND SECONDS, or enter ANCHOR DISTRUST. The account
// writes an entry for which there is no command yet. The organisation's salt is
// in config.toml.
func enter(chain *devchain.Chain) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, args []string) {
		a, err := anchor.Parse(args[0])
		ts.Check(err)
		m := regexp.MustCompile(`salt = '([0-9a-f]{64})'`).FindStringSubmatch(ts.ReadFile("config/dpki/config.toml"))
		if m == nil {
			ts.Fatalf("no salt in config.toml")
		}
		salt, err := state.ParseWord(m[1])
		ts.Check(err)
		key := ts.Value(accountKey).(*ecdsa.PrivateKey)
		account := state.Address(crypto.PubkeyToAddress(key.PublicKey))
		change := contracts.Change{Action: state.ActionPut, Until: state.Never}
		rand.Read(change.Subject[:])
		if args[1] == "LIMIT" {
			kind, err := state.ParseKind(args[2])
			ts.Check(err)
			seconds, err := strconv.ParseUint(args[3], 10, 64)
			ts.Check(err)
			change.Kind, change.Data = state.KindLimit, state.Limit{Kind: kind, Approvals: 1, Longest: seconds}.Marshal()
		} else {
			change.Kind, change.Data = state.KindDistrust, state.Distrust{Author: account, To: chain.Time()}.Marshal()
		}
		data, err := contracts.PackWrite(a.Org, state.RootAdmin(account, a.Org, salt), []contracts.Group{{Scope: a.Org, Changes: []contracts.Change{change}}})
		ts.Check(err)
		_, err = chain.Send(context.Background(), key, a.Registry.Contract, nil, data)
		ts.Check(err)
	}
}

// writeKeystore uses the weakest scrypt, or each command would take a second.
func writeKeystore(path string, key *ecdsa.PrivateKey) error {
	text, err := keystore.EncryptKey(&keystore.Key{Id: uuid.New(), Address: crypto.PubkeyToAddress(key.PublicKey), PrivateKey: key}, passphrase, 2, 1)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

// makeKeystore: keystore FILE ETHER makes another funded account and sets ACCOUNT2.
func makeKeystore(chain *devchain.Chain) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, args []string) {
		key, err := crypto.GenerateKey()
		ts.Check(err)
		ts.Check(writeKeystore(ts.MkAbs(args[0]), key))
		address := state.Address(crypto.PubkeyToAddress(key.PublicKey))
		ether, err := strconv.ParseInt(args[1], 10, 64)
		ts.Check(err)
		if ether > 0 {
			ts.Check(fund(chain, address, ether))
		}
		ts.Setenv("ACCOUNT2", address.String())
	}
}

// status: status N COMMAND... the command ends with exactly this status.
func status(ts *testscript.TestScript, _ bool, args []string) {
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("%s ended with status %d, want %s", strings.Join(args[1:], " "), got, args[0])
	}
}

// eventually: eventually COMMAND... the command ends with 0, within a minute.
func eventually(ts *testscript.TestScript, _ bool, args []string) {
	var err error
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if err = ts.Exec(args[0], args[1:]...); err == nil {
			return
		}
	}
	ts.Fatalf("%s: %v", strings.Join(args, " "), err)
}

// makeRequest: request ANCHOR|foreign NAME FILE enrols a new device; its
// fingerprint is in $FINGERPRINT, its public host key in FILE.host.pub. With keyless
// behind FILE there is no host key: as an administrator's without an account.
func makeRequest(ts *testscript.TestScript, _ bool, args []string) {
	a := anchor.Anchor{Registry: state.Registry{ChainID: 31337, Contract: state.Address{1}}, Org: state.Word{1}}
	if args[0] != "foreign" {
		var err error
		a, err = anchor.Parse(args[0])
		ts.Check(err)
	}
	id, err := bundle.GenerateIdentity()
	ts.Check(err)
	host := ts.MkAbs(args[2]) + ".host"
	ts.Check(ts.Exec("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", host))
	pub, err := os.ReadFile(host + ".pub")
	ts.Check(err)
	if len(args) > 3 && args[3] == "keyless" {
		pub = nil
	}
	r, err := id.NewRequest(a, args[1], string(pub))
	ts.Check(err)
	b, err := r.Marshal()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), b, 0o600))
	ts.Setenv("FINGERPRINT", r.Fingerprint())
}

// readJSON: json PATH VALUE-REGEXP, or json VARIABLE = PATH, on the last stdout.
// A path is .key, .0 and so on; .len is a length.
func readJSON(ts *testscript.TestScript, neg bool, args []string) {
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &v))
	path, variable := args[0], ""
	if len(args) == 3 && args[1] == "=" {
		variable, path = args[0], args[2]
	}
	got, ok := walk(v, path)
	if variable != "" {
		if !ok {
			ts.Fatalf("no %s in the output", path)
		}
		ts.Setenv(variable, got)
		return
	}
	matches := ok && regexp.MustCompile("^(?:"+args[1]+")$").MatchString(got)
	if matches == neg {
		ts.Fatalf("%s is %q, want match %v with %q", path, got, !neg, args[1])
	}
}

func walk(v any, path string) (string, bool) {
	for _, step := range strings.Split(strings.TrimPrefix(path, "."), ".") {
		switch x := v.(type) {
		case map[string]any:
			var ok bool
			if v, ok = x[step]; !ok {
				return "", false
			}
		case []any:
			if step == "len" {
				return strconv.Itoa(len(x)), true
			}
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(x) {
				return "", false
			}
			v = x[i]
		default:
			return "", false
		}
	}
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(f, 'f', -1, 64), true
	}
	return fmt.Sprint(v), true
}

// capture: capture VARIABLE REGEXP takes the first group, from the last stdout.
func capture(ts *testscript.TestScript, _ bool, args []string) {
	m := regexp.MustCompile("(?m)" + args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(m) < 2 {
		ts.Fatalf("no %q in the output", args[1])
	}
	ts.Setenv(args[0], m[1])
}

// absent: absent DIR... none of the folders exists or holds a file.
func absent(ts *testscript.TestScript, _ bool, args []string) {
	for _, dir := range args {
		err := filepath.WalkDir(ts.MkAbs(dir), func(path string, e os.DirEntry, err error) error {
			if err == nil && !e.IsDir() {
				ts.Fatalf("%s exists", path)
			}
			return nil
		})
		ts.Check(err)
	}
}

// checkMode: mode OCTAL FILE...
func checkMode(ts *testscript.TestScript, _ bool, args []string) {
	for _, f := range args[1:] {
		info, err := os.Stat(ts.MkAbs(f))
		ts.Check(err)
		if got := fmt.Sprintf("%o", info.Mode().Perm()); got != args[0] {
			ts.Fatalf("%s has mode %s, want %s", f, got, args[0])
		}
	}
}

// within: within A B, the estimate A is within 2 % of B.
func within(ts *testscript.TestScript, _ bool, args []string) {
	a, err := strconv.ParseFloat(args[0], 64)
	ts.Check(err)
	b, err := strconv.ParseFloat(args[1], 64)
	ts.Check(err)
	if a < b*0.98 || a > b*1.02 {
		ts.Fatalf("%v is not within 2 %% of %v", a, b)
	}
}

// watched remembers what passes, so that every command of every script is a
// test that no secret is shown.
type watched struct {
	to  io.Writer
	all strings.Builder
}

func (w *watched) Write(b []byte) (int, error) {
	w.all.Write(b)
	return w.to.Write(b)
}

// secret is one that was shown, or "".
func (w *watched) secret() string {
	for _, s := range []string{passphrase, "AGE-SECRET-KEY", "PRIVATE KEY", "mailbox_secret", "signing_seed", "ciphertext", "org_key", "zone_keys"} {
		if strings.Contains(w.all.String(), s) {
			return s
		}
	}
	return ""
}

// serve: serve FILE EDIT... writes a network file with changes, name=value:
// chain_id, contract, endpoint, store, name, agree, witnesses=VERSION,AGREE,
// witness=NAME,KEY,FOLDER.
func serve(chain *devchain.Chain) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, args []string) {
		n := chain.Network()
		for _, edit := range args[1:] {
			name, value, _ := strings.Cut(edit, "=")
			switch name {
			case "chain_id":
				id, err := strconv.ParseUint(value, 10, 64)
				ts.Check(err)
				n.ChainID = id
			case "contract":
				a, err := state.ParseAddress(value)
				ts.Check(err)
				n.Contract = a
			case "endpoint":
				n.Endpoints = []string{value}
			case "folder":
				n.Stores = append(n.Stores, network.Store{Type: network.Folder, Path: ts.MkAbs(value)})
			case "nostore":
				n.Stores = nil
			case "store":
				n.Stores = append(n.Stores, network.Store{Type: network.Sandbox, URL: value})
			case "name":
				n.Name = value
			case "witnesses":
				_, err := fmt.Sscanf(value, "%d,%d", &n.WitnessVersion, &n.WitnessAgree)
				ts.Check(err)
			case "witness":
				part := strings.Split(value, ",")
				key, err := witness.ParseKey(part[1])
				ts.Check(err)
				n.Witnesses = append(n.Witnesses, network.Witness{Name: part[0], Key: key, Path: ts.MkAbs(part[2])})
			default:
				ts.Fatalf("no edit %q", edit)
			}
		}
		text, err := n.Marshal()
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), text, 0o600))
	}
}
