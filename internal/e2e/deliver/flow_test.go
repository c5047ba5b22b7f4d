package deliver

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"dpki/bundle"
	"dpki/internal/harness"
	"dpki/internal/network"
	"dpki/state"
)

var update = flag.Bool("update", false, "write docs/original-flow.md instead of comparing it")

// flow writes down what happens.
type flow struct {
	*site
	text  strings.Builder
	seen  map[string]bool // lines of the log that were shown
	names []naming
}

// naming gives a value of this run the name that the document has for it.
type naming struct{ value, name string }

// TestOriginalFlow: a key pair from its making to its end, step by step, with what a
// reader of the chain and of IPFS sees each time. docs/original-flow.md is what this
// prints, but for what differs from run to run.
func TestOriginalFlow(t *testing.T) {
	f := &flow{site: newSite(t), seen: map[string]bool{}}
	f.name(f.Home(), "~/.config/dpki")
	f.name(f.Dir, "~")
	f.name(harness.RootDir(t), "/run/test")
	f.name(filepath.Dir(f.sshd.HostKeyFile), "/etc/ssh")
	f.name(f.Anchor.String(), "ANCHOR")
	f.say(`# The original flow, as it happens

A key pair from its making to its end, with the real commands, a real chain, two real IPFS nodes (the administrator's and the one near the device) and a real sshd.
Written by a test (` + "`go test ./internal/e2e/deliver -run TestOriginalFlow -update`" + `), which fails when the commands say anything else; ` + "`<...>`" + ` stands for what differs from run to run.
After each step: what somebody sees who reads the chain and both IPFS nodes, and holds no key. "New on the chain" is what ` + "`dpki log --verify`" + ` says of an export of all logs, run without configuration, network or key.
`)
	f.step("The recipient makes its key", `The device makes an identity to be encrypted to (ML-KEM-768 with X25519), a signing key and a secret for its mailbox. Private halves never leave it.`)
	f.show("dpkid enroll ANCHOR --name gate-7 --host-key host.pub --network network.toml --out gate-7.request", f.asked)
	f.reader("nothing: a request is a file that people carry.")

	f.step("The administrator takes it in", `He compares the fingerprint with the one that the device shows, and gives the device a mailbox and the zone's key, encrypted to it.`)
	f.dpki("ca", "create", "hosts", "--host")
	f.dpki("device", "add", f.request, "--address", f.sshd.Addr(), "--yes")
	f.run()
	f.enrolled()
	f.chain()
	f.reader("that a CA for hosts and a batch were entered, under random ids, by which account and when; and on IPFS the batch's list: random tags, and the digests of files that age has encrypted. No name, no key, no address.")

	f.step("A key pair is made, signed, encrypted, stored and announced", `One command. It makes a key pair; the host CA signs it; the pair and its certificates become one age file to the device's hybrid key alone, by a key agreement made for this file;
the file goes to IPFS; its commitment and, encrypted to the mailbox, its CID go into the contract. Then the command forgets the private key.`)
	first := f.deliver1("host-cert", "gate-7", "--new-key", "--each", "30d", "--ahead", "2")
	block := f.get(first.CID)
	f.show("ipfs block get <CID> | head -c 21", block[:21]+"\n")
	f.chain()
	f.hides(first.CID, block)
	f.reader(`an entry of kind delivery, under random ids, and on IPFS a file that says of itself only that it is encrypted with age. Which file belongs to which entry stands in the entry's sealed part:
neither the CID, nor the commitment, nor what is delivered, nor to whom. The batch beside it tells the other administrators the new host key, and looks like any other.`)

	f.step("The event notifies the recipient, which fetches, opens, checks and applies", `The contract's event is a hint over a websocket. The device proves its mailbox's hash against the block's state, opens the entry, fetches the file from its own IPFS node, compares it with the CID,
opens it, compares the plaintext with the commitment, checks that a live CA of its zone has signed, installs key and certificate, has sshd check (`+"`sshd -t`"+`) and reread them, and would go back if sshd would not.`)
	if got := f.becomes(first.ID); got.Result != bundle.Applied {
		t.Fatalf("%+v", got)
	}
	f.show("dpkid status", f.lines(f.dpkid(-1, "status").Stdout, "host-certificate", "delivered"))
	f.show("ssh-keygen -L -f /etc/ssh/ssh_host_key-cert.pub", f.lines(f.Run(0, f.Dir, "ssh-keygen", "-L", "-f", f.sshd.HostKeyFile+"-cert.pub").Stdout, "Type:", "Valid:", "Principals:", "d-"))
	f.chain()
	f.reader("nothing new: devices write nothing to the chain. The node near the device was asked for one block.")

	f.step("The next one replaces it", `Often, unattended, or at once after a theft: the next delivery names the one that it supersedes. An open session goes on, the next connection meets the new key.`)
	second := f.deliver1("host-cert", "gate-7", "--new-key", "--each", "30d", "--ahead", "2")
	if second.Supersedes != first.ID {
		t.Errorf("%+v does not supersede %s", second, first.ID)
	}
	if got := f.becomes(second.ID); got.Result != bundle.Applied {
		t.Fatalf("%+v", got)
	}
	f.dpki("deliver", "list", "gate-7")
	f.chain()
	f.hides(second.CID, f.get(second.CID))
	f.reader("a second delivery. That it supersedes the first stands in its sealed part.")

	f.step("What is superseded is unpinned", `Once the entry that supersedes it is final and the device has signed a receipt that it has applied it, and not before.`)
	f.acknowledged()
	f.dpki("store", "gc", "--yes")
	pinned := pins(f.site)
	if slices.Contains(pinned, first.CID) || !slices.Contains(pinned, second.CID) {
		t.Errorf("the node keeps %v", pinned)
	}
	f.dpki("store", "check")
	f.reader("that the node gives one file less. Whoever has copied it has it for ever, and can open it never: the key agreement was for that one file, and holds against a quantum computer.")

	f.step("And revoked", `A delivery can also be taken back before anybody has fetched it; a device that comes later does not apply it.`)
	f.dpki("revoke", second.ID, "--yes")
	f.chain()
	f.reader("that the entry with that random id is revoked, by whom and when.")
	f.compare()
}

func (f *flow) say(text string) { f.text.WriteString(text) }

func (f *flow) step(title, text string) {
	n := strings.Count(f.text.String(), "\n## ") + 1
	f.say(fmt.Sprintf("\n## %d. %s\n%s\n", n, title, text))
}

func (f *flow) reader(text string) { f.say("\n**A reader of chain and IPFS sees** " + text + "\n") }

func (f *flow) show(command, output string) {
	f.say("```text\n$ " + command + "\n" + strings.TrimRight(output, "\n") + "\n```\n")
}

// dpki runs the administrator's command and writes down what it says.
func (f *flow) dpki(args ...string) {
	f.Helper()
	got := f.Dpki(0, args...)
	f.show("dpki "+strings.Join(args, " "), got.Stdout+got.Stderr)
}

type delivered struct{ ID, CID, Supersedes string }

// deliver1 delivers, and writes down what was said.
func (f *flow) deliver1(args ...string) delivered {
	f.Helper()
	before := map[string]bool{}
	list := func() (all []delivered) {
		f.Decode(f.Dpki(0, "deliver", "list", "gate-7", "--json"), &all)
		return all
	}
	for _, d := range list() {
		before[d.ID] = true
	}
	f.dpki(append([]string{"deliver"}, args...)...)
	for _, d := range list() {
		if !before[d.ID] {
			f.name(d.CID, "<CID>")
			if len(before) > 0 {
				for id := range before {
					d.Supersedes = id
				}
			}
			return d
		}
	}
	f.Fatal("nothing was delivered")
	return delivered{}
}

// get is a block as the node near the device gives it to anybody.
func (f *flow) get(cid string) string {
	f.Helper()
	return f.near.Run(f.T, "block", "get", cid)
}

// chain writes down what the logs say to somebody who has no key, and did not
// before.
func (f *flow) chain() {
	f.Helper()
	out := filepath.Join(f.TempDir(), "log.export")
	f.Dpki(0, "log", "--export", out)
	got := f.Run(-1, f.TempDir(), harness.Bin(f.T, "dpki"), "--home", filepath.Join(f.TempDir(), "empty"), "log", "--verify", out, "--anchor", f.Anchor.String())
	var rows []string
	for line := range strings.Lines(got.Stdout) {
		key := strings.Join(strings.Fields(line), " ") // the columns are as wide as what stands in them
		if strings.HasPrefix(line, "TIME") || strings.Contains(line, "#") && !f.seen[key] {
			rows = append(rows, line)
			f.seen[key] = true
		}
	}
	if len(rows) == 0 {
		f.Fatalf("the export shows nothing: %+v", got)
	}
	if len(rows) == 1 {
		rows = []string{"(nothing)"}
	}
	f.say("\nNew on the chain:\n```text\n" + strings.TrimRight(strings.Join(rows, ""), "\n") + "\n```\n")
}

// hides: nothing that is to stay secret stands in what a reader has.
func (f *flow) hides(cid, block string) {
	f.Helper()
	device := f.Device("gate-7")
	n, err := network.Load(f.Network)
	f.Must(err)
	raw := chainOf(f.T, f.endpoint(), n)
	id, err := bundle.ParseCID(cid)
	f.Must(err)
	if !strings.Contains(raw, strings.TrimPrefix(device.String(), "0x")) {
		f.Error("the chain's events do not name the mailbox: is this the chain?")
	}
	digest := state.Word(id)
	for what, secret := range map[string]string{
		"the CID": cid, "the CID's digest": strings.TrimPrefix(digest.String(), "0x"), "the name": fmt.Sprintf("%x", "gate-7"), "the zone's name": fmt.Sprintf("%x", "plant"),
	} {
		if strings.Contains(raw, secret) {
			f.Errorf("the chain shows %s", what)
		}
	}
	for _, secret := range []string{"OPENSSH PRIVATE KEY", "ssh-ed25519", "gate-7", "plant", f.Anchor.Org.String(), device.String()} {
		if strings.Contains(block, secret) {
			f.Errorf("the block on IPFS shows %q", secret)
		}
	}
}

// lines are those that hold one of the words.
func (f *flow) lines(text string, words ...string) string {
	var kept []string
	for line := range strings.Lines(text) {
		if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(line, w) }) {
			kept = append(kept, strings.TrimRight(line, "\n"))
		}
	}
	return strings.Join(kept, "\n")
}

func (f *flow) name(value, name string) { f.names = append(f.names, naming{value, name}) }

// particular is what differs from run to run, whatever it is called.
var particular = []struct {
	is   *regexp.Regexp
	name string
}{
	// Before identifiers, which a fee's digits can look like.
	{regexp.MustCompile(`\b\d+(\.\d+)? ETH`), "<fee> ETH"},
	{regexp.MustCompile(`bafkrei[a-z2-7]{52}`), "<CID>"},
	{regexp.MustCompile(`\b0x[0-9a-f]{64}\b`), "<hash>"},
	{regexp.MustCompile(`\b0x[0-9a-fA-F]{40}\b`), "<account>"},
	{regexp.MustCompile(`\b0x[0-9a-f]{8}\b`), "<account>"},
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "<id>"},
	{regexp.MustCompile(`\b[0-9a-f]{12,16}\b`), "<id>"},
	{regexp.MustCompile(`SHA256:[A-Za-z0-9+/]{43}`), "<fingerprint>"},
	{regexp.MustCompile(`\b[a-z2-7]{5}(-[a-z2-7]{5}){3}\b`), "<fingerprint>"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?( ?UTC|Z)?`), "<time>"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:<port>"},
	{regexp.MustCompile(`\b[\d,]+ gas`), "<n> gas"},
	{regexp.MustCompile(`\bblock \d+`), "block <n>"},
}

// general is a text without what differs from run to run.
func (f *flow) general(text string) string {
	for _, n := range f.names {
		text = strings.ReplaceAll(text, n.value, n.name)
	}
	for _, p := range particular {
		text = p.is.ReplaceAllString(text, p.name)
	}
	text = regexp.MustCompile(` {2,}`).ReplaceAllString(text, "  ")
	return regexp.MustCompile(`(?m)^<time>  \d+ `).ReplaceAllString(text, "<time>  <n> ")
}

func (f *flow) compare() {
	f.Helper()
	path, got := filepath.Join(harness.RepoRoot(), "docs", "original-flow.md"), f.general(f.text.String())
	if *update {
		f.Must(os.WriteFile(path, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	f.Must(err)
	a, b := strings.Split(string(want), "\n"), strings.Split(got, "\n")
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			f.Fatalf("docs/original-flow.md, line %d, says\n%s\nand what happens is\n%s\n(-update writes it)", i+1, strings.Join(a[min(i, len(a)):min(i+3, len(a))], "\n"), strings.Join(b[min(i, len(b)):min(i+3, len(b))], "\n"))
		}
	}
}
