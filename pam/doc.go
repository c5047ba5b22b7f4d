// Package pam is the daemon's side of PAM: what answers the module (shim/pam_dpki.c) on pam.sock, docs/formats.md section 11, types
// 16 to 19. It lets a login in only if the key that the helper was asked about is the key that logged in, and hands the session
// to package session, which ends it.
//
// # Why three questions
//
// sshd asks its AuthorizedKeysCommand about every key that a client offers, and does not say which one then logs in. So the
// daemon notes its answer under the asking monitor (Monitors). PAM account requires the last answer of this monitor to be an allow
// for this account, and decides anew. PAM open_session, which alone is told the key that was used (SSH_AUTH_INFO_0), requires it
// to be the very key of that answer: to offer a colleague's certificate and then log in by another key, or by a password, is
// refused, and the monitor is ended at once because sshd keeps `ssh -N` connected after a refusal there.
//
// # Wiring, in the daemon
//
//	sessions := &session.Manager{File: "/run/dpki/sessions.json", Tree: tree, Now: ..., Extent: ..., Audit: ...}
//	err := sessions.Restore()       // before the socket is served
//	go sessions.Run(ctx)            // leaves the sessions alone when ctx ends
//	handler := &pam.Handler{Engine: ..., Sessions: sessions, Monitors: &pam.Monitors{}, Governs: ..., Sudo: verifier.Verify}
//	server := serve.Server{Handler: handler.Handle, Types: pam.Types, Allow: pam.AllowPeer, Timeout: pam.Timeout}
//
// Then, for every answer of authkeys.sock (refusals too): handler.Offered(monitor, pam.Offer{...}); for every new State:
// sessions.Refresh(); while len(sessions.List()) > 0 the engine keeps watch. Tree is cgroup.Find("dpki"), nil where that fails.
// Extent is session.Extent over the State of the moment.
//
// Break-glass keys that the daemon lets in while it is offline are the engine's business: Decide must allow them at StageAccount and
// StageSession too, and Extent must know their end. Their sessions have Mode 0, and Account, KeyType and Key to look them up by.
//
// # The PAM lines
//
// Package device/pamd writes them, and says why they are as they are. authinfo_unavail is returned only while no daemon listens, which only
// root brings about; sshd's lines ignore it, to let the break-glass keys in. Governed accounts therefore need AuthenticationMethods
// publickey in sshd_config, which set-up writes: while no daemon listens nobody refuses a password in account, and the refusal in
// open_session leaves `ssh -N` connected.
//
// sudo shows the module's words only with `Defaults !pam_silent`, since 1.9.16; the audit has them in any case.
//
// Where set-up was told to leave PAM alone (Handler.Alone) the daemon goes by sshd's processes: alone.go.
//
// # What an account's owner still can do
//
// Processes that others run for him are not of the session: crontab and at jobs, lingering systemd --user services, socket
// activation. They give no login by themselves where AuthorizedKeysFile is none, but they run on as that account: close them
// (cron.allow, at.allow, loginctl disable-linger) where a grant's end must end them too. A listener that a session leaves behind
// dies with the session.
package pam
