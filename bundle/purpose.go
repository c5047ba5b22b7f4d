package bundle

import "fmt"

// Purpose says what a bundle's content is. The zero value is no purpose.
type Purpose uint8

// Purposes of version 1.
const (
	PurposeDeviceMaterials Purpose = 1
	PurposeAdminRoster     Purpose = 2
	PurposeUserKey         Purpose = 3
	PurposeHostCertificate Purpose = 4
	PurposeCA              Purpose = 5
	PurposeFiles           Purpose = 6
	PurposeAccessRequest   Purpose = 7 // a file that people carry; no entry announces it
	PurposePerson          Purpose = 8 // where a person is enrolled
	PurposeSignatures      Purpose = 9 // of watchdogs, on another delivery
)

var purposeNames = map[Purpose]string{
	PurposeDeviceMaterials: "device materials", PurposeAdminRoster: "admin roster",
	PurposeUserKey: "user key", PurposeHostCertificate: "host certificate",
	PurposeSignatures: "watchdog signatures",
	PurposeCA:         "CA", PurposeFiles: "files", PurposeAccessRequest: "access request", PurposePerson: "enrolment",
}

// Known reports whether this version knows the purpose.
func (p Purpose) Known() bool { return purposeNames[p] != "" }

func (p Purpose) String() string {
	if name, ok := purposeNames[p]; ok {
		return name
	}
	return fmt.Sprintf("purpose %d", uint8(p))
}
