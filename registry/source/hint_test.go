package source

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// An endpoint that announces without pause wakes a few times a second, and one
// time more.
func TestFloodOfAnnouncements(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		if _, _, err := c.Read(r.Context()); err != nil {
			return
		}
		for err == nil {
			err = c.Write(r.Context(), websocket.MessageText, []byte(`{}`))
		}
	}))
	defer server.Close()
	c, err := Dial("ws" + strings.TrimPrefix(server.URL, "http"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithCancel(t.Context())
	const enough = 6
	var woken []time.Time
	c.Hints(ctx, func() {
		if woken = append(woken, time.Now()); len(woken) == enough {
			cancel()
		}
	})
	if len(woken) < enough {
		t.Fatalf("woken %d times", len(woken))
	}
	// One call was not paused for.
	if took, least := woken[enough-1].Sub(woken[0]), (enough-2)*hintPause; took < least {
		t.Errorf("woken %d times in %v, want at least %v", enough, took, least)
	}
}
