package hostile

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// honest is an endpoint that answers each call by the call's own name.
func honest(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		questions, _ := list[question](body)
		answers := make([]answer, len(questions))
		for i, q := range questions {
			answers[i] = answer{Version: "2.0", ID: q.ID, Result: text(q.Method)}
		}
		out, _ := json.Marshal(answers)
		w.Write(out)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

const batch = `[{"jsonrpc":"2.0","id":0,"method":"eth_a","params":[]},{"jsonrpc":"2.0","id":1,"method":"eth_b","params":[]}]`

func ask(t *testing.T, p *Proxy) string {
	t.Helper()
	res, err := http.Post(p.HTTP, "application/json", strings.NewReader(batch))
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func TestTruthPassesByteForByte(t *testing.T) {
	p := Start(t, honest(t))
	direct := &Proxy{HTTP: p.to}
	if got, want := ask(t, p), ask(t, direct); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, l := range []Lie{Answers(func(*Call) {}), Result("eth_c", func([]byte) []byte { return nil }), Only("eth_c", Hangup()), new(Tape).Record()} {
		p.Tell(l)
		ask(t, p)
		if n := p.Count(); n.Asked != 1 || n.Altered != 0 {
			t.Errorf("%+v, want one that was not altered", n)
		}
	}
}

func TestLiesAreToldAndCounted(t *testing.T) {
	p := Start(t, honest(t))
	for name, row := range map[string]struct {
		tell Lie
		want string
	}{
		"a result":  {Result("eth_b", func([]byte) []byte { return []byte(`"lie"`) }), `"result":"eth_a"},{"jsonrpc":"2.0","id":1,"result":"lie"`},
		"a refusal": {Refuse("eth_a"), `"id":0,"error":`},
		"both":      {Both(Body(bytes.ToUpper), Refuse("eth_a")), `"ERROR":{"CODE"`},
		"truncated": {Truncate(), "unexpected EOF"},
		"hung up":   {Hangup(), "EOF"},
	} {
		p.Tell(row.tell)
		got := ask(t, p)
		if n := p.Count(); !strings.Contains(got, row.want) || n.Altered != 1 {
			t.Errorf("%s: %s, %+v, want %s", name, got, n, row.want)
		}
	}
	tape := new(Tape)
	p.Tell(tape.Record())
	before := ask(t, p)
	p.Tell(Both(tape.Play(), Refuse("eth_a")))
	if got := ask(t, p); got != before {
		t.Errorf("played %s, want %s", got, before)
	}
}

// What a lie holds up ends with it.
func TestStallEndsWithTheLie(t *testing.T) {
	p := Start(t, honest(t))
	for _, l := range []Lie{Stall(), Silent()} {
		p.Tell(l)
		done := make(chan string)
		go func() { done <- ask(t, p) }()
		for p.Count().Begun == 0 {
			time.Sleep(time.Millisecond)
		}
		select {
		case got := <-done:
			t.Fatalf("answered %s", got)
		case <-time.After(50 * time.Millisecond):
		}
		p.Tell(nil)
		<-done
	}
}

// Longest is what a reader took, not what lies between: one that stops at a
// hundred thousand bytes is found to have read hardly more.
func TestEndlessCountsWhatWasRead(t *testing.T) {
	p := Start(t, honest(t))
	p.Tell(Endless("", "A", 0))
	res, err := http.Get(p.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	const enough = 100_000
	if n, err := io.CopyN(io.Discard, res.Body, enough); n != enough || err != nil {
		t.Fatal(n, err)
	}
	time.Sleep(100 * time.Millisecond)
	res.Body.Close()
	for p.Count().Asked == 0 {
		time.Sleep(time.Millisecond)
	}
	if got := p.Count().Longest; got < enough || got > enough+2*pieceSize {
		t.Errorf("%d bytes were counted, %d were read", got, enough)
	}
}
