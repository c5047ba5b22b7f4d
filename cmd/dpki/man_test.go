package main

import (
	"bytes"
	"context"
	"testing"

	"dpki/internal/manpage"
)

func TestManPage(t *testing.T) {
	app := (&tool{}).app()
	manpage.Check(t, "dpki.1", map[string]string{"globals": manpage.Options(app.Flags), "commands": manpage.Commands(app)})
}

// The packages carry the completion scripts, so that nobody has to run
// anything for them.
func TestPackagedCompletion(t *testing.T) {
	for shell, path := range map[string]string{"bash": "dpki.bash", "zsh": "_dpki", "fish": "dpki.fish"} {
		var out, problems bytes.Buffer
		if code := run(context.Background(), []string{"dpki", "completion", shell}, nil, &out, &problems); code != 0 {
			t.Errorf("%s: exit %d\n%s", shell, code, &problems)
			continue
		}
		manpage.CheckFile(t, "packaging/completion/"+path, out.String())
	}
}
