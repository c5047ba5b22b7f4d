package lessons

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dpki/internal/harness"
)

// lesson is one that somebody else paid for.
type lesson struct {
	what, where string   // what happened; its number
	tests       []string // folder.TestName
}

var learned = []lesson{
	{"a crafted token skipped verification", "CVE-2025-3757, CVE-2025-4658", []string{
		"authkeys.TestFlippedBits", "bundle.TestAttackBundleFlipped", "bundle.TestAttackSealedDataFlipped", "registry/verify.TestCheckProofFlipped", "internal/e2e/chain.TestHostileBundles"}},
	{"CheckCert does not check the authority", "pam-ussh#18, ssh-cert-authority#32", []string{"authkeys.TestBadInput", "internal/e2e/chain.TestPresented"}},
	{"a certificate as authority", "CVE-2025-49825", []string{"authkeys.TestBadInput", "internal/e2e/chain.TestPresented"}},
	{"empty principal passes, host certificate as a user's", "go#79563, go#81539", []string{"authkeys.TestBadInput", "internal/e2e/helper.TestPresentedCertificates"}},
	{"no principals = any user", "CVE-2024-7594", []string{"sshca.TestRefusesToSign", "internal/e2e/chain.TestPresented"}},
	{"comma, quote, newline in principals", "CVE-2026-35414, opkssh#588", []string{"sshca.TestRefusesToSign", "internal/e2e/helper.TestPresentedCertificates"}},
	{"the offered key is not the authenticated key", "CVE-2024-45337", []string{"internal/e2e/pamshim.TestOfferedKeyIsNotTheKeyThatLogsIn", "internal/e2e/chain.TestOffered"}},
	{"the helper inherited sshd's groups", "CVE-2021-41617", []string{"cmd/dpki-authkeys.TestIdentity", "internal/e2e/helper.TestIdentityInPlace"}},
	{"anything but an error = success", "pam-ussh", []string{"pam.TestEveryAnswerHasItsCode", "authkeys.TestZeroValuesDeny", "internal/e2e/faults.TestFalseAnswers"}},
	{"an option without =, an empty list indexed", "pam-ussh", []string{"internal/e2e/pamshim.TestLibpamUnknownArgument", "cmd/dpki-authkeys.TestArguments"}},
	{"the user changed in mid-transaction", "CVE-2024-9313", []string{"internal/e2e/pamshim.TestLibpamUserChanges"}},
	{"a first-login user got root's group", "CVE-2025-5689", []string{"internal/e2e/faults.TestUnknownAccount"}},
	{"security state in a cache folder", "authd#687", []string{"internal/e2e/faults.TestRolledBack", "internal/e2e/faults.TestNothingInRun"}},
	{"own keys persist after access ends", "guest-oslogin#171", []string{"internal/e2e/faults.TestOwnKeys"}},
	{"check on a path, use on another open", "opkssh#391", []string{"device/config.TestReadRefusesWhatOthersCouldWrite", "bundle.TestAttackIdentityFile", "internal/e2e/faults.TestFilesThatAreNotRight"}},
	{"an evicted agent went on over an old connection", "spire#711", []string{"internal/e2e/pamshim.TestRevokedBetweenOfferAndSession"}},
	{"a device could revoke others", "CVE-2025-66406", []string{"internal/imports.TestImportTable", "internal/e2e/chain.TestTwoOrganisations"}},
	{"an unknown message type skipped authentication", "CVE-2026-30836", []string{"internal/socket.TestKnownTypes", "internal/socket.TestBadAnswersDeny", "internal/e2e/chain.TestWritten"}},
	{"a list half written denied everybody", "cashier", []string{"device/journal.TestKill", "authkeys/breakglass.TestWriteDenied"}},
	{"a full disk gave an empty file", "guest-oslogin#115", []string{"internal/e2e/login.TestFullDisk"}},
	{"a one-time password valid in a whole subnet", "vault#8406", []string{"internal/e2e/chain.TestWritten"}},
	{"a revocation on the chain that did nothing; events of one block dropped", "ew-did-registry#585", []string{"internal/e2e/chain.TestWritten", "contracts.TestHistories"}},
	{"a deny list failed to load and was skipped", "opkssh", []string{"internal/e2e/chain.TestRestrictions", "authkeys/breakglass.TestRefusals"}},
	{"argv with the certificate in the log", "opkssh, step-ca", []string{"internal/e2e/faults.TestLogsHoldNoKeys"}},
	{"docs described a scheme that did not exist", "open-bastion#84", []string{"internal/e2e/docs.TestEveryBlockIsChecked", "internal/e2e/demo.TestReadmeIsWhatHappens"}},
}

func TestEveryLessonHasItsTest(t *testing.T) {
	for _, l := range learned {
		if len(l.tests) == 0 || l.where == "" {
			t.Errorf("%s: no test, or nobody to whom it happened", l.what)
		}
		for _, test := range l.tests {
			dir, name, ok := strings.Cut(test, ".")
			if !ok || !defined(t, dir, name) {
				t.Errorf("%s: there is no %s", l.what, test)
			}
		}
	}
	if defined(t, "internal/e2e/lessons", "TestThatDoesNotExist") {
		t.Error("a test that does not exist was found")
	}
}

// defined looks for a test function in a folder's files.
func defined(t *testing.T, dir, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(harness.RepoRoot(), dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+name+"(t *testing.T)") {
			return true
		}
	}
	return false
}
