package pamd

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dpki/device/config"
)

var people = Subjects{Users: []string{"root", "deploy"}, Groups: []string{"ops", "fleet"}}

const debian = `# PAM configuration for the Secure Shell service

# Standard Un*x authentication.
@include common-auth
account    required     pam_nologin.so
@include common-session
session    required     pam_env.so user_readenv=1 envfile=/etc/default/locale
`

func service(t *testing.T, texts map[string]string) Services {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Services{Dir: dir}
}

func read(t *testing.T, s Services, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.Dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func do(t *testing.T, changes config.Changes, err error) {
	t.Helper()
	if err == nil {
		err = changes.Make()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestLogin(t *testing.T) {
	s := service(t, map[string]string{"sshd": debian})
	changes, err := s.Login("sshd", people)
	do(t, changes, err)
	const who = "pam_succeed_if.so quiet user notin root:deploy user notingroup ops user notingroup fleet\n"
	const control = "[success=ignore ignore=ignore authinfo_unavail=ignore module_unknown=ignore default=bad]  pam_dpki.so\n"
	want := begin + "account  [success=1 default=ignore]  " + who + "account  " + control + "session  " + strings.TrimSuffix(control, "\n") + " note\n" + end + debian +
		begin + "session  [success=1 default=ignore]  " + who + "session  " + control + end
	if got := read(t, s, "sshd"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if asks, err := s.Asks("sshd"); !asks || err != nil {
		t.Errorf("asks: %v, %v", asks, err)
	}
	// Again, and for others: as if the first had never been.
	if changes, err := s.Login("sshd", people); len(changes) > 0 || err != nil {
		t.Errorf("the same again: %v, %v", changes, err)
	}
	changes, err = s.Login("sshd", Subjects{Users: []string{"alice"}})
	do(t, changes, err)
	if got := read(t, s, "sshd"); strings.Contains(got, "deploy") || strings.Count(got, begin) != 2 {
		t.Errorf("for others:\n%s", got)
	}
	changes, err = s.WithoutAny()
	do(t, changes, err)
	if got := read(t, s, "sshd"); got != debian {
		t.Errorf("taken out:\n%s", got)
	}
	if asks, err := s.Asks("sshd"); asks || err != nil {
		t.Errorf("asks: %v, %v", asks, err)
	}
}

// TestNotes: the module's note counts where it stands before whatever else of type
// session could speak first.
func TestNotes(t *testing.T) {
	const line = "session  required  pam_dpki.so note\n"
	for name, row := range map[string]struct {
		text string
		want bool
	}{
		"first":                 {"account required pam_nologin.so\n" + line + "session required pam_env.so user_readenv=1\n", true},
		"before an inclusion":   {"@include common-auth\n" + line + "@include common-session\n", true},
		"behind pam_env":        {"session required pam_env.so user_readenv=1\n" + line, false},
		"behind a quiet one":    {"-session optional pam_systemd.so\n" + line, false},
		"behind an inclusion":   {"@include common-session\n" + line, false},
		"in a comment":          {"# " + line, false},
		"without the word":      {"session required pam_dpki.so\n", false},
		"another module's note": {"session required pam_other.so note\n" + line, false},
		"nothing":               {"", false},
	} {
		s := service(t, map[string]string{"sshd": row.text})
		if got, err := s.Notes("sshd"); err != nil || got != row.want {
			t.Errorf("%s: %v, %v; want %v", name, got, err, row.want)
		}
	}
	s := service(t, map[string]string{"sshd": debian})
	if got, err := s.Notes("ssh"); got || err != nil {
		t.Errorf("without a file: %v, %v", got, err)
	}
	changes, err := s.Login("sshd", people)
	do(t, changes, err)
	if got, err := s.Notes("sshd"); !got || err != nil {
		t.Errorf("what set-up writes: %v, %v", got, err)
	}
}

func TestSudo(t *testing.T) {
	s := service(t, map[string]string{"sudo": "#%PAM-1.0\n@include common-auth\n"})
	alice := Subjects{Users: []string{"alice"}}
	for how, want := range map[Sudo]string{
		ByKey: `auth  [success=2 default=ignore]  pam_succeed_if.so quiet uid eq 0
auth  [success=1 default=ignore]  pam_succeed_if.so quiet user notin alice
auth  [success=done default=die]  pam_dpki.so
account  [success=2 default=ignore]  pam_succeed_if.so quiet uid eq 0
account  [success=1 default=ignore]  pam_succeed_if.so quiet user notin alice
account  [success=ignore default=bad]  pam_dpki.so
`,
		AccountOnly: `account  [success=2 default=ignore]  pam_succeed_if.so quiet uid eq 0
account  [success=1 default=ignore]  pam_succeed_if.so quiet user notin alice
account  [success=ignore default=bad]  pam_dpki.so
`,
	} {
		changes, err := s.Sudo(alice, how)
		do(t, changes, err)
		if got, want := read(t, s, "sudo"), "#%PAM-1.0\n"+begin+want+end+"@include common-auth\n"; got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", how, got, want)
		}
	}
	changes, err := s.WithoutSudo()
	do(t, changes, err)
	if got := read(t, s, "sudo"); got != "#%PAM-1.0\n@include common-auth\n" {
		t.Errorf("taken out:\n%s", got)
	}
}

func TestRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"by hand":         {"account required pam_dpki.so\n", ErrByHand},
		"by hand, a path": {"account required /lib/security/pam_dpki.so", ErrByHand},
		"continued":       {"session required pam_env.so \\\n", ErrForm},
		"not text":        {"a\x00b\n", ErrForm},
		"half a block":    {begin + "account required pam_permit.so\n", ErrForm},
		"an end":          {end, ErrForm},
		"a header alone":  {"#%PAM-1.0", ErrForm},
		"the twin":        {"# pam_dpki.so might stand here\nsession required pam_env.so", nil},
		"empty":           {"", nil},
	} {
		s := service(t, map[string]string{"sshd": c.text})
		changes, err := s.Login("sshd", people)
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if err != nil {
			continue
		}
		do(t, changes, nil)
		changes, err = s.WithoutAny()
		do(t, changes, err)
		if got := read(t, s, "sshd"); got != c.text {
			t.Errorf("%s: taken out: %q, want %q", name, got, c.text)
		}
	}
	if _, err := (Services{Dir: t.TempDir()}).Login("sshd", people); !errors.Is(err, ErrNoService) {
		t.Errorf("no file: %v", err)
	}
	s := service(t, map[string]string{"sshd": debian})
	if err := os.Chmod(filepath.Join(s.Dir, "sshd"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Login("sshd", people); !errors.Is(err, config.ErrUnsafe) {
		t.Errorf("a file that everybody may write: %v", err)
	}
}

// One file that cannot be written, and none is.
func TestAllOrNothing(t *testing.T) {
	s := service(t, map[string]string{"sshd": debian, "sudo": debian})
	changes, err := s.Login("sshd", people)
	if err != nil {
		t.Fatal(err)
	}
	changes = append(changes, config.Change{Path: filepath.Join(s.Dir, "nowhere/x"), New: []byte("x"), Mode: 0o644})
	if err := changes.Make(); err == nil {
		t.Error("made")
	}
	if got := read(t, s, "sshd"); got != debian {
		t.Errorf("left:\n%s", got)
	}
}

func TestModule(t *testing.T) {
	elf, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	object := append([]byte{}, elf...)
	object[16] = 3 // e_type: ET_DYN, which an executable that was linked at fixed addresses is not
	other := append([]byte{}, object...)
	other[18] ^= 1 // e_machine
	for name, c := range map[string]struct {
		text []byte
		mode os.FileMode
		want error
	}{
		"installed":            {object, 0o644, nil},
		"not there":            {nil, 0, ErrNoModule},
		"of another machine":   {other, 0o644, ErrNoModule},
		"no shared object":     {[]byte("#!/bin/sh\n"), 0o644, ErrNoModule},
		"everybody may write":  {object, 0o666, config.ErrUnsafe},
		"longer than a module": {append(append([]byte{}, object...), make([]byte, maxModule)...), 0o644, errTooLong},
	} {
		dir := filepath.Join(t.TempDir(), "x86_64-linux-gnu/security")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for file, f := range map[string]struct {
			text []byte
			mode os.FileMode
		}{"pam_unix.so": {object, 0o644}, moduleName: {c.text, c.mode}} {
			if f.text == nil {
				continue
			}
			path := filepath.Join(dir, file)
			if err := errors.Join(os.WriteFile(path, f.text, f.mode), os.Chmod(path, f.mode)); err != nil {
				t.Fatal(err)
			}
		}
		path, err := module([]string{"/nonexistent", filepath.Join(filepath.Dir(filepath.Dir(dir)), "*/security")})
		if c.want == errTooLong {
			if err == nil {
				t.Errorf("%s: %s", name, path)
			}
			continue
		}
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) || err == nil && path != filepath.Join(dir, moduleName) {
			t.Errorf("%s: %q, %v; want %v", name, path, err, c.want)
		}
	}
	if _, err := module([]string{"/nonexistent"}); !errors.Is(err, ErrNoModule) {
		t.Errorf("no folder: %v", err)
	}
}

var errTooLong = errors.New("any error")

func FuzzBlocks(f *testing.F) {
	first, last := login(people)
	for _, text := range []string{"", debian, strings.TrimSuffix(debian, "\n"), "#%PAM-1.0\nauth include x\n", begin + "x\n" + end, "a\n" + beginJoin + end, begin, "\n" + strings.TrimSuffix(begin, "\n")} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		bare, err := remove(text)
		if err != nil {
			return
		}
		with, err := insert(bare, first, last)
		if err != nil {
			return
		}
		if !strings.Contains(string(with), first) || !strings.Contains(string(with), last) {
			t.Fatalf("the lines are not in %q", with)
		}
		if again, err := remove(with); err != nil || string(again) != string(bare) {
			t.Fatalf("taken out: %q, %v; want %q", again, err, bare)
		}
	})
}
