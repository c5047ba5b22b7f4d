package admin

// refusalHints are what to do about each rule of the contract, by the error of
// src/IDPKI.sol that it reverts with. Most are looked at before anything is sent;
// what is left is a log that moved meanwhile, a clock, or a program that is not
// this one.
var refusalHints = map[string]string{
	"NotAdmin":              "dpki admin list names the administrators; the power may just have been revoked, or be of before a recovery",
	"NotAllowed":            "dpki admin list says who may; ask him",
	"OutOfReach":            "dpki admin list says who reaches that zone; ask him",
	"OrganisationExists":    "it was made before: dpki org join ANCHOR; dpki org show prints it where it is known",
	"OrganisationScopeOnly": "this is said of the organisation, not of a zone: leave out --zone",
	"MalformedChanges":      "another release of dpki made it: propose it anew",
	"UnknownAction":         "another release of dpki made it: propose it anew",
	"UnknownKind":           "another release of dpki made it: propose it anew",
	"DataTooLong":           "shorten what was given: an entry holds 1,024 bytes",
	"InvalidWindow":         "ask for less time, or set this machine's clock",
	"SubjectUsed":           "somebody wrote or revoked the same; look with dpki log",
	"InvalidAdmin":          "a root administrator has no end and all powers; others reach one zone or the organisation: dpki admin add --help",
	"BeyondMaker":           "nobody hands on more than he has, in kinds, reach and time: dpki admin list",
	"RootProtected":         "the last root administrator, or one without whom too few would be left to approve, cannot be revoked: dpki admin add --root first",
	"RootExists":            "that account is a root administrator already: dpki admin list; with --member FILE of his dpki admin request the command hands him the keys that he lacks",
	"InvalidLimit":          "1 to 16 approvals, and a longest validity that is not zero: dpki policy limit --help",
	"InvalidThreshold":      "no kind may need more approvals than those that decide over all others, nor more than there are roots: dpki policy show",
	"ApprovalsNeeded":       "this kind needs several administrators: run it again, it writes a proposal for the others to approve",
	"InvalidApprovals":      "1 to 16 approvals, each account once: dpki proposal submit unites copies",
	"InvalidSignature":      "ask that account to approve it again; a contract's own signers may have changed since: dpki proposal show",
	"DeadlinePassed":        "propose it anew",
	"AlreadyWritten":        "somebody has submitted it; look with dpki log",
	"InvalidDistrust":       "--from and --to are in the past, in this order",
	"NotRevocable":          "write another instead, which counts from then on: dpki guardian set, dpki policy limit",
	"Frozen":                "dpki guardian show says until when, and who the guardians are",
	"CoolingDown":           "dpki guardian show says until when, and who the guardians are",
	"InvalidGuardians":      "g of n, with g <= g2 <= n <= 16, a timelock of 1 hour to 30 days: dpki guardian set --help",
	"NotGuardians":          "others are in force now: dpki guardian show",
	"InvalidRecovery":       "1 to 16 roots, each once, and a threshold that they reach: dpki recover start --help",
	"NoRecovery":            "it was vetoed or completed, or never began: dpki guardian show",
	"TooEarly":              "dpki guardian show says when its timelock ends",
	"NotVetoable":           "it does not wait any more, or as many guardians have approved it as cannot be vetoed: dpki guardian show",
	"InvalidPointer":        "give the other organisation's anchor: dpki network migrate ANCHOR",

	// Of the library that the contract is built with; nothing here calls for it.
	"ERC5267ExtensionsNotSupported": "look with dpki log and try again",
}

// refusalHint is never empty: an error that is not known here is of a newer
// contract.
func refusalHint(name string) string {
	if hint, ok := refusalHints[name]; ok {
		return hint
	}
	return "look with dpki log and try again"
}
