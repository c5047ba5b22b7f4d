// Package pamd puts dpki's lines into PAM's service files and takes them out again.
//
// PAM has no drop-ins for one service, so this is the only place where a file that an administrator owns is changed: by whole
// blocks between two marks, at the file's beginning and end, and nothing else. Remove gives back the very bytes that were there.
//
// # The lines
//
// Accounts that dpki does not govern never reach the module: a line of pam_succeed_if skips it, so that they depend neither on it nor
// on the daemon. For those that it governs the module can only refuse: its success is ignored, so it opens nothing that the rest of the
// stack would not.
//
// In sshd's stack two things are ignored as well. While no daemon listens, which root alone brings about, break-glass keys
// get in (authinfo_unavail). And where the module's file is gone, as after a removal by force, logins go on as before
// it came (module_unknown): the AuthorizedKeysCommand still decides who gets in. In sudo's stack both refuse; root, whom sudo
// gives nothing that he lacks, is skipped there.
package pamd
