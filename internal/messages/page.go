package messages

import (
	"fmt"
	"slices"
	"strings"

	"dpki/authkeys"
)

const head = `# Messages

What the programs say when something is wrong, and what to do. Written from the sources by ` + "`make man`" + `; a test compares. "..." stands for what is filled in.
In syslog and in ` + "`--json`" + ` the words are the same. How to act on the larger ones: [operations.md](operations.md).

`

// Page is docs/messages.md.
func Page(root string) (string, error) {
	var b strings.Builder
	b.WriteString(head)
	b.WriteString("## Why a login is refused\nThe user sees `Permission denied (publickey)` and nothing else. These stand in the device's syslog, in `dpkid explain` and in `dpki explain`.\n")
	table(&b, reasons())
	for _, part := range []struct {
		title   string
		text    string
		makers  calls
		folders []string
	}{
		{"dpki", "On the terminal, as `dpki: error: MESSAGE` and `dpki: hint: WHAT TO DO`; some by `dpki doctor`.", ofDpki, []string{"cmd/dpki", "admin", "admin/fault", "admin/ledger", "admin/receive", "admin/sshconfig"}},
		{"dpkid", "As above; some by `dpkid doctor`. Short ones stand within a longer line, which names the file or the account.", ofDpkid, []string{"cmd/dpkid"}},
		{"dpki-authkeys, in syslog", "With facility authpriv, each within a line that names account and key type.", ofHelper, []string{"cmd/dpki-authkeys", "authkeys/breakglass"}},
	} {
		s, err := parse(root, part.folders...)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "\n## %s\n%s\n", part.title, part.text)
		found := withHints(s.find(part.makers))
		if part.title != "dpki" && part.title != "dpkid" {
			// What is left without a hint stands within a line that has one.
			found = slices.DeleteFunc(found, func(m Message) bool { return m.Hint == "" })
		}
		table(&b, found)
	}
	return b.String(), nil
}

// hints are for messages that carry none: the helper has one line for all.
var hints = map[string]string{
	"no break-glass key matches":                        "as it should be, unless this key was to be one: operations.md, break-glass keys",
	"the break-glass key has expired":                   "make a new one: operations.md, break-glass keys",
	"the break-glass key is denied":                     "use another; `dpki log` shows who denied it",
	"the break-glass folder cannot be used":             "the line says which file; root's alone, no links, at most 0755",
	"the list of denied keys cannot be read":            "start dpkid, which writes it",
	"it does not exist: dpkid writes it when it starts": "start dpkid",
	"not a break-glass line":                            "from= and expiry-time= are mandatory: operations.md, break-glass keys",
	"not root's alone, or not a plain file or folder":   "chown root, chmod go-w; no links",
	"not root's process listens there":                  "look for an attack: who made /run/dpki/authkeys.sock?",
	"timeout":                                           "is the machine overloaded? see `dpkid status`",
}

// withHints fills in what the sources do not say beside the message.
func withHints(list []Message) []Message {
	for i, m := range list {
		if m.Hint == "" {
			list[i].Hint = hints[m.Text]
		}
		// "denied: why; what to do" is one line in syslog.
		if text, hint, ok := strings.Cut(m.Text, "; "); ok && list[i].Hint == "" {
			list[i] = Message{text, hint}
		}
	}
	return list
}

// reasons are the decision's, as far as they deny.
func reasons() []Message {
	var list []Message
	for r := authkeys.Undecided; r == authkeys.Undecided || r.String() != authkeys.Undecided.String(); r++ {
		if r != authkeys.Accepted {
			list = append(list, Message{r.String(), r.Hint()})
		}
	}
	return list
}

func table(b *strings.Builder, list []Message) {
	b.WriteString("\n| message | what to do |\n|---|---|\n")
	slices.SortStableFunc(list, func(a, b Message) int { return strings.Compare(strings.ToLower(a.Text), strings.ToLower(b.Text)) })
	for _, m := range slices.Compact(list) {
		if m.Hint == "..." {
			m.Hint = "(the hint depends on the case)"
		}
		fmt.Fprintf(b, "| %s | %s |\n", cell(m.Text), cell(m.Hint))
	}
}

// cell keeps a text within its cell and out of the hands of HTML.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace(strings.TrimSpace(s))
}
