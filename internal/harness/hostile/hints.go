package hostile

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/coder/websocket"
)

// announcement is a new head, by its shape; a reader looks for itself.
const announcement = `{"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"0x1","result":{}}}`

// hints serves a WebSocket: subscriptions are the proxy's own, every other
// message is a question as by POST.
func (p *Proxy) hints(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer conn.CloseNow()
	conn.SetReadLimit(maxPassed)
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.heard, conn)
	}()
	for {
		_, message, err := conn.Read(r.Context())
		if err != nil {
			return
		}
		var one question
		if json.Unmarshal(message, &one) == nil && one.Method == "eth_subscribe" {
			answer, _ := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": one.ID, "result": "0x1"})
			if conn.Write(r.Context(), websocket.MessageText, answer) != nil {
				return
			}
			p.mu.Lock()
			p.heard[conn] = true
			p.mu.Unlock()
			continue
		}
		post := httptest.NewRequestWithContext(r.Context(), http.MethodPost, "/", bytes.NewReader(message))
		post.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		p.ServeHTTP(rec, post)
		if conn.Write(r.Context(), websocket.MessageText, rec.Body.Bytes()) != nil {
			return
		}
	}
}

// Nudge announces a new block to all who subscribed, and reports whether there
// was anybody.
func (p *Proxy) Nudge() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for conn := range p.heard {
		conn.Write(ctx, websocket.MessageText, []byte(announcement))
	}
	return len(p.heard) > 0
}
