package hostile

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

// announcement is a new head, by its shape; a reader looks for itself.
const announcement = `{"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"0x1","result":{}}}`

// hints serves a WebSocket for subscriptions alone, which are the proxy's own.
// A question closes it: what the proxy tells is told by HTTP, where each byte of
// an answer is counted.
func (p *Proxy) hints(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer conn.CloseNow()
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
		if json.Unmarshal(message, &one) != nil || one.Method != "eth_subscribe" {
			conn.Close(websocket.StatusUnsupportedData, "subscriptions only")
			return
		}
		answer, _ := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": one.ID, "result": "0x1"})
		if conn.Write(r.Context(), websocket.MessageText, answer) != nil {
			return
		}
		p.mu.Lock()
		p.heard[conn] = true
		p.mu.Unlock()
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
