package authkeys

import "dpki/state"

// CAReason says why a certificate authority of this standing lets nobody in; Accepted for a live one. Sessions end for the reasons
// for which logins are refused.
func CAReason(s state.Standing) Reason { return caReason(s) }

// GrantReason is CAReason for grants.
func GrantReason(s state.Standing) Reason { return grantReason(s) }
