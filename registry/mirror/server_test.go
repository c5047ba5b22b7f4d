package mirror

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dpki/bundle"
	"dpki/bundle/store"
	"dpki/contracts/code"
	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/registry"
	"dpki/registry/route"
	"dpki/registry/segment"
	"dpki/registry/source"
	"dpki/registry/verify"
	"dpki/state"
)

// counted counts what reaches an upstream.
type counted struct {
	Source
	heads, logs atomic.Int64
}

func (c *counted) Head(ctx context.Context, q registry.HeadQuery) (registry.HeadReply, error) {
	c.heads.Add(1)
	return c.Source.Head(ctx, q)
}

func (c *counted) Logs(ctx context.Context, q registry.LogQuery) ([]byte, error) {
	c.logs.Add(1)
	return c.Source.Logs(ctx, q)
}

// rig is a mirror of a real chain.
type rig struct {
	*testing.T
	org    *fleet.Org
	up     *counted
	server *Server
	url    string
	dir    string
}

func newRig(t *testing.T, change func(*Config)) *rig {
	t.Helper()
	org := fleet.New(t, devchain.Options{HoldBack: 2, MaxDrift: -1})
	c, err := source.Dial(org.Chain.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	blocks, err := store.NewSandbox(org.Chain.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{T: t, org: org, up: &counted{Source: c}, dir: t.TempDir()}
	config := Config{
		Registry: org.Chain.Registry(), Chain: []Source{r.up}, Blocks: blocks, Dir: r.dir, Memory: 1 << 20, Disk: 1 << 20, Rate: 1e6,
		Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&config)
	}
	if r.server, err = New(config); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(r.server)
	t.Cleanup(s.Close)
	r.url = s.URL
	return r
}

func (r *rig) client() *source.Mirror { return dial(r.T, r.url) }

func dial(t *testing.T, url string) *source.Mirror {
	t.Helper()
	m, err := source.DialMirror(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// reader follows organisation and zone from one source.
func (r *rig) reader(from verify.Source, archives ...verify.Archive) *verify.Reader {
	r.Helper()
	reader, err := verify.NewReader(verify.Config{
		Registry: r.org.Chain.Registry(), Org: r.org.Anchor.Org, CodeHash: code.Hash(), Deploy: r.org.Chain.DeployBlock, Archives: archives,
	}, []verify.Endpoint{{Name: "mirror 1", Source: from}})
	if err != nil {
		r.Fatal(err)
	}
	if err := reader.Follow(r.org.Anchor.Org, r.org.Zone); err != nil {
		r.Fatal(err)
	}
	return reader
}

func tick(t *testing.T, reader *verify.Reader) *verify.Result {
	t.Helper()
	res, err := reader.Tick(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	reader.Commit(res)
	return res
}

// get is one request as anybody may make it.
func (r *rig) get(method, path string, body []byte) (*http.Response, []byte) {
	r.Helper()
	req, err := http.NewRequestWithContext(r.Context(), method, r.url+path, bytes.NewReader(body))
	if err != nil {
		r.Fatal(err)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		r.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		r.Fatal(err)
	}
	return res, b
}

// What a reader verifies through a mirror is what it verifies at the endpoint,
// and many readers cost the endpoint what one does.
func TestManyReadersAndOneQuestion(t *testing.T) {
	now, later := time.Now(), atomic.Int64{} // it stands still while they read: no answer grows old on a slow machine
	r := newRig(t, func(c *Config) {
		c.now = func() time.Time { return now.Add(time.Duration(later.Load())) }
	})
	direct := r.reader(r.up.Source)
	want := tick(t, direct).Head
	var all sync.WaitGroup
	for range 20 {
		reader := r.reader(r.client())
		all.Go(func() {
			res, err := reader.Tick(t.Context())
			if err != nil {
				t.Error(err)
			} else if res.Head != want {
				t.Errorf("head %+v, want %+v", res.Head, want)
			}
		})
	}
	all.Wait()
	if n := r.up.heads.Load() + r.up.logs.Load(); n > 12 {
		t.Errorf("20 readers made %d questions", n)
	}
	// A second later the mirror shows what is new.
	r.org.NewCA()
	later.Store(int64(tipLife))
	if reader := r.reader(r.client()); tick(t, reader).Head.Number <= want.Number {
		t.Error("the mirror shows an old head for longer than it may")
	}
}

// Devices that each ask for words of their own cost the endpoint a tenth of what
// they would, and each gets the proofs of its own words and no others.
func TestOneProofForMany(t *testing.T) {
	r := newRig(t, nil)
	r.server.rounds.gather = time.Second // a reader on a busy machine comes late to a short round
	const readers = 30
	var all sync.WaitGroup
	for i := range readers {
		reader := r.reader(r.client())
		if err := reader.Follow(r.org.Anchor.Org, r.org.Zone, state.Word{0x70, byte(i)}); err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			if _, err := reader.Tick(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := r.up.heads.Load(); n > readers/2 {
		t.Errorf("%d readers made %d questions about the tip", readers, n)
	} else {
		t.Logf("%d readers, %d questions about the tip", readers, n)
	}
	asked := []state.Word{{1}, {2}}
	got, err := r.server.rounds.ask(t.Context(), []state.Word{{1}, {2}, {3}})
	if err != nil {
		t.Fatal(err)
	}
	var whole, cut struct {
		AccountProof []string
		StorageProof []struct{ Key string }
	}
	if err := errors.Join(json.Unmarshal(got.Proof, &whole), json.Unmarshal(only(got.Proof, asked), &cut)); err != nil {
		t.Fatal(err)
	}
	if len(whole.StorageProof) != 3 || len(cut.StorageProof) != 2 || len(cut.AccountProof) != len(whole.AccountProof) {
		t.Errorf("%d of %d proofs", len(cut.StorageProof), len(whole.StorageProof))
	}
	for _, strange := range []string{``, `null`, `[]`, `{}`, `{"storageProof":7}`, `{"storageProof":[{"key":"zz"},7]}`} {
		if b := only([]byte(strange), asked); len(b) != len(strange) {
			t.Errorf("%s became %s", strange, b)
		}
	}
}

// What may be kept says so: for ever what is named by its content, for long what
// is final, the tip for a second, and a refusal not at all.
func TestWhatMayBeKept(t *testing.T) {
	r := newRig(t, nil)
	block, err := r.server.c.Blocks.(store.Store).Put(t.Context(), []byte("block"))
	if err != nil {
		t.Fatal(err)
	}
	full, part := state.Word{1}, state.Word{2}
	r.segment(full, segment.Entries)
	r.segment(part, 3)
	contract, org := r.org.Chain.Contract, r.org.Anchor.Org
	head := route.Head{HeadQuery: registry.HeadQuery{Contract: contract, Slots: []state.Word{{1}}}}.Path()
	logs := func(to uint64) string {
		return route.Logs{LogQuery: registry.LogQuery{Contract: contract, Org: org, Scopes: []state.Word{org}, From: 0, To: to}}.Path()
	}
	for _, row := range []struct{ name, path, want string }{
		{"the tip", head, "public, max-age=1"},
		{"logs to the tip", logs(r.org.Chain.Number()), "public, max-age=1"},
		{"final logs", logs(r.org.Chain.Number() - 2), "public, max-age=3600"},
		{"final headers", route.Headers{Numbers: []uint64{1}}.Path(), "public, max-age=3600"},
		{"a block", route.Block{ID: block}.Path() + "?format=raw", "public, max-age=31536000, immutable"},
		{"a full segment", route.Segment{Scope: full}.Path(), "public, max-age=31536000, immutable"},
		{"a segment that grows", route.Segment{Scope: part}.Path(), "public, max-age=60"},
		{"nothing", route.Segment{Scope: state.Word{3}}.Path(), "no-store"},
		{"no question", "/dpki/1/everything", "no-store"},
	} {
		res, _ := r.get(http.MethodGet, row.path, nil)
		if got := res.Header.Get("Cache-Control"); got != row.want {
			t.Errorf("%s: %d, %q, want %q", row.name, res.StatusCode, got, row.want)
		}
		if (res.StatusCode == http.StatusOK) != (row.want != "no-store") {
			t.Errorf("%s: status %d", row.name, res.StatusCode)
		}
	}
	if res, _ := r.get(http.MethodPost, head, nil); res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", res.StatusCode)
	}
	if res, b := r.get(http.MethodHead, head, nil); res.StatusCode != http.StatusOK || len(b) != 0 {
		t.Errorf("HEAD: %d, %d bytes", res.StatusCode, len(b))
	}
	if res, _ := r.get(http.MethodGet, head+"?x=1", nil); res.StatusCode != http.StatusNotFound {
		t.Errorf("another spelling of a question: %d", res.StatusCode)
	}
}

// segment puts a made-up segment into the mirror's folder.
func (r *rig) segment(scope state.Word, n int) {
	r.Helper()
	s := segment.Segment{Scope: scope}
	for i := range uint64(n) {
		s.Entries = append(s.Entries, state.Entry{Seq: i + 1, Block: i + 1, PrevBlock: i, Authors: []state.Address{{1}}, Action: state.ActionPut, Kind: state.KindGrant, Subject: state.Word{1}})
	}
	b, err := s.Marshal()
	if err == nil {
		err = os.MkdirAll(filepath.Join(r.dir, "segments"), 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(r.dir, "segments", segment.Name(scope, 0)), b, 0o644)
	}
	if err != nil {
		r.Fatal(err)
	}
}

// Another contract's questions are not passed on, and a path is not a way to
// anything else.
func TestQuestionsThatAreNotPassedOn(t *testing.T) {
	r := newRig(t, nil)
	if err := os.WriteFile(filepath.Join(r.dir, "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		route.Head{HeadQuery: registry.HeadQuery{Contract: state.Address{9}, Slots: []state.Word{{1}}}}.Path(),
		route.Logs{LogQuery: registry.LogQuery{Contract: state.Address{9}, Scopes: []state.Word{{1}}, To: 1}}.Path(),
		"/dpki/1/witness/../secret", "/dpki/1/witness/..%2fsecret", "/dpki/1/segments/../secret", "/secret", "/",
	} {
		if res, b := r.get(http.MethodGet, path, nil); res.StatusCode == http.StatusOK || bytes.Contains(b, []byte("secret")) {
			t.Errorf("%s: %d, %q", path, res.StatusCode, b)
		}
	}
	if n := r.up.heads.Load() + r.up.logs.Load(); n != 0 {
		t.Errorf("%d questions reached the endpoint", n)
	}
	if err := os.MkdirAll(filepath.Join(r.dir, "witness"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.dir, "witness", "latest"), []byte("signed"), 0o644); err != nil {
		t.Fatal(err)
	}
	if b, err := r.client().Witness(t.Context(), "latest"); err != nil || string(b) != "signed" {
		t.Errorf("the twin: %q, %v", b, err)
	}
}

// Faults keep their meaning over HTTP.
func TestFaultsAreHandedOn(t *testing.T) {
	for fault := registry.Unavailable; fault < registry.BackOff; fault++ {
		r := newRig(t, func(c *Config) { c.Chain = []Source{failing{&registry.Failure{Fault: fault}}} })
		_, err := r.client().Logs(t.Context(), registry.LogQuery{Contract: r.org.Chain.Contract, Scopes: []state.Word{{1}}, To: 5})
		if got := registry.FaultOf(err); err == nil || got != fault {
			t.Errorf("%v comes out as %v, %v", fault, got, err)
		}
	}
	// The next upstream is asked where one fails, and not where it says no.
	r := newRig(t, nil)
	r.server.c.Chain = append([]Source{failing{&registry.Failure{Fault: registry.Unavailable}}}, r.server.c.Chain...)
	tick(t, r.reader(r.client()))
}

type failing struct{ err error }

func (f failing) Head(context.Context, registry.HeadQuery) (registry.HeadReply, error) {
	return registry.HeadReply{}, f.err
}
func (f failing) Logs(context.Context, registry.LogQuery) ([]byte, error) { return nil, f.err }
func (f failing) Headers(context.Context, []uint64) ([][]byte, error)     { return nil, f.err }

// Blocks on the mirror's disk are what their CID says, whatever happened to the
// files; and there are no more than it may keep.
func TestBlocksOnDisk(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Memory, c.Disk = 0, 100_000 })
	upstream := r.server.c.Blocks.(store.Store)
	gateway, err := store.NewMirror(r.url)
	if err != nil {
		t.Fatal(err)
	}
	put := func(b []byte) bundle.CID {
		id, err := upstream.Put(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	id := put([]byte("the block"))
	want := func(when string) {
		t.Helper()
		if b, err := gateway.Get(t.Context(), id, 0); err != nil || string(b) != "the block" {
			t.Errorf("%s: %q, %v", when, b, err)
		}
	}
	file := filepath.Join(r.dir, "blocks", id.String())
	want("at first")
	for name, damage := range map[string]func() error{
		"cut off":  func() error { return os.Truncate(file, 3) },
		"altered":  func() error { return os.WriteFile(file, []byte("another b"), 0o644) },
		"deleted":  func() error { return os.Remove(file) },
		"a folder": func() error { return errors.Join(os.Remove(file), os.Mkdir(file, 0o755)) },
		"no cache": func() error { return os.RemoveAll(filepath.Dir(file)) },
	} {
		if err := damage(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want(name)
		os.RemoveAll(file)
		want(name + ", and gone")
	}
	for i := range 30 {
		if _, err := gateway.Get(t.Context(), put(bytes.Repeat([]byte{byte(i)}, 10_000)), 0); err != nil {
			t.Fatal(err)
		}
	}
	files, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(files) > 10 || len(files) < 5 {
		t.Errorf("%d blocks of 10 kB in 100 kB, %v", len(files), err)
	}
	if _, err := gateway.Get(t.Context(), bundle.Sum([]byte("nobody's")), 0); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a block that nobody has: %v", err)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	c := cache{max: 10_000}
	now := time.Now()
	for i := range 1000 {
		c.put(fmt.Sprint(i), &answer{body: make([]byte, 100), until: now.Add(time.Hour)})
	}
	if c.held > c.max || len(c.byPath) != c.order.Len() || len(c.byPath) < 10 {
		t.Errorf("%d bytes, %d answers", c.held, len(c.byPath))
	}
	if c.get("999", now) == nil || c.get("0", now) != nil || c.get("999", now.Add(time.Hour)) != nil {
		t.Error("it keeps the wrong ones")
	}
	c.put("huge", &answer{body: make([]byte, 20_000), until: now.Add(time.Hour)})
	if c.get("huge", now) != nil {
		t.Error("it keeps what is larger than itself")
	}
}

// One who asks too much is told so, others are not.
func TestRate(t *testing.T) {
	l := limiter{rate: 10}
	now := time.Now()
	asked := func(who string, n int) (allowed int) {
		for range n {
			if l.enter(who, now) {
				allowed++
				l.leave(who)
			}
		}
		return allowed
	}
	if n := asked("192.0.2.1:5", 100); n != 10*burst {
		t.Errorf("%d of 100 at once", n)
	}
	if n := asked("192.0.2.1:6", 1); n != 0 {
		t.Error("another port is another one")
	}
	if n := asked("192.0.2.2:5", 1); n != 1 {
		t.Error("others have to wait as well")
	}
	if asked("[2001:db8::1]:5", 100); asked("[2001:db8::2]:5", 1) != 0 || asked("[2001:db8:0:1::1]:5", 1) != 1 {
		t.Error("an IPv6 address is not its /64")
	}
	now = now.Add(time.Second)
	if n := asked("192.0.2.1:5", 100); n != 10 {
		t.Errorf("%d a second later", n)
	}
	for i := range 3 * maxAddresses {
		who := fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255)
		l.enter(who, now)
		l.leave(who)
	}
	if len(l.buckets) > maxAddresses {
		t.Errorf("%d addresses are remembered", len(l.buckets))
	}
	// Those who do not read what they asked for take no more than their share.
	slow, waiting := limiter{rate: 1e6}, 0
	for range 10 * maxBusy {
		if slow.enter("192.0.2.1:5", now) {
			waiting++
		}
	}
	if waiting != maxBusy || !slow.enter("192.0.2.2:5", now) {
		t.Errorf("%d requests of one address are under way", waiting)
	}
	if slow.leave("192.0.2.1:5"); !slow.enter("192.0.2.1:5", now) {
		t.Error("one that was answered makes no room")
	}

	r := newRig(t, func(c *Config) { c.Rate = 1 })
	refused := 0
	for range 20 {
		if res, _ := r.get(http.MethodGet, "/", nil); res.StatusCode == http.StatusTooManyRequests && res.Header.Get("Retry-After") == "1" {
			refused++
		}
	}
	if refused < 10 {
		t.Errorf("%d of 20 were refused", refused)
	}
}

// A receipt is kept under the key that signed it; nobody else can replace it,
// with another or with an older one.
func TestReceipts(t *testing.T) {
	r := newRig(t, func(c *Config) { c.tip = 20 * time.Millisecond })
	anchor := r.org.Anchor
	id, err := bundle.GenerateIdentity()
	if err != nil {
		t.Fatal(err)
	}
	other, err := bundle.GenerateIdentity()
	if err != nil {
		t.Fatal(err)
	}
	make := func(id *bundle.Identity, time uint64) (state.Word, []byte) {
		receipt, err := id.NewReceipt(anchor, state.Word{7}, time, []bundle.Mark{{Scope: state.Word{1}, Seq: time, Result: bundle.Applied}})
		if err != nil {
			t.Fatal(err)
		}
		b, err := receipt.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return receipt.Key(), b
	}
	key, first := make(id, 100)
	_, second := make(id, 200)
	_, foreign := make(other, 300)
	m := r.client()
	if _, err := m.Receipt(t.Context(), key); err == nil {
		t.Error("a receipt that nobody handed in")
	}
	if err := m.PutReceipt(t.Context(), key, second); err != nil {
		t.Fatal(err)
	}
	time.Sleep(r.server.c.tip) // that there was none was kept for so long
	same := func(when string) {
		t.Helper()
		if b, err := m.Receipt(t.Context(), key); err != nil || !bytes.Equal(b, second) {
			t.Errorf("%s: %s, %v", when, b, err)
		}
	}
	same("handed in")
	path := route.Receipt{Key: key}.Path()
	anchor.Registry.ChainID++
	_, elsewhere := make(id, 400)
	for _, row := range []struct {
		name string
		body []byte
		want int
	}{
		{"an older one", first, http.StatusConflict},
		{"another key's", foreign, http.StatusBadRequest},
		{"of another chain", elsewhere, http.StatusBadRequest},
		{"altered", bytes.Replace(second, []byte(":200"), []byte(":201"), 1), http.StatusBadRequest},
		{"cut off", second[:len(second)-9], http.StatusBadRequest},
		{"endless", bytes.Repeat([]byte(" "), 1<<20), http.StatusRequestEntityTooLarge},
		{"again", second, http.StatusNoContent},
	} {
		if res, _ := r.get(http.MethodPut, path, row.body); res.StatusCode != row.want {
			t.Errorf("%s: %d, want %d", row.name, res.StatusCode, row.want)
		}
		same(row.name)
	}
	// No more than there may be; who has one may renew it.
	r.server.receipts.max = 1
	otherKey := func() state.Word { key, _ := make(other, 1); return key }()
	anchor.Registry.ChainID--
	_, mine := make(other, 300)
	if res, _ := r.get(http.MethodPut, route.Receipt{Key: otherKey}.Path(), mine); res.StatusCode != http.StatusInsufficientStorage {
		t.Errorf("one too many: %d", res.StatusCode)
	}
	_, third := make(id, 500)
	if res, _ := r.get(http.MethodPut, path, third); res.StatusCode != http.StatusNoContent {
		t.Errorf("renewed where there is no room: %d", res.StatusCode)
	}
	// What nobody renews makes room.
	long := time.Now().Add(-2 * receiptLife)
	if err := os.Chtimes(filepath.Join(r.dir, "receipts", key.String()), long, long); err != nil {
		t.Fatal(err)
	}
	r.server.receipts.swept = time.Time{}
	if res, _ := r.get(http.MethodPut, route.Receipt{Key: otherKey}.Path(), mine); res.StatusCode != http.StatusNoContent {
		t.Errorf("with room again: %d", res.StatusCode)
	}
}

// A mirror that invents is refused, whatever it invents, and named; the twin is
// the same mirror when it does not.
func TestAMirrorThatInvents(t *testing.T) {
	r := newRig(t, func(c *Config) { c.tip = 20 * time.Millisecond })
	var alter atomic.Pointer[func(path string, body []byte) []byte]
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		rec := httptest.NewRecorder()
		r.server.ServeHTTP(rec, req)
		body := rec.Body.Bytes()
		if f := alter.Load(); f != nil {
			body = (*f)(req.URL.Path, body)
		}
		w.WriteHeader(rec.Code)
		w.Write(body)
	}))
	t.Cleanup(s.Close)
	reader := r.reader(dial(t, s.URL))
	tick(t, reader)
	on := func(part string, f func(b []byte) []byte) func(string, []byte) []byte {
		return func(path string, b []byte) []byte {
			if !strings.Contains(path, part) {
				return b
			}
			return f(bytes.Clone(b))
		}
	}
	for _, row := range []struct {
		name string
		lie  func(string, []byte) []byte
		want error
	}{
		{"no logs", on("/logs/", func([]byte) []byte { return []byte("[]") }), verify.ErrLogs},
		{"other data", on("/logs/", func(b []byte) []byte { return replaceLast(b, "0000", "0001") }), verify.ErrLogs},
		{"another state root", on("/head/", func(b []byte) []byte {
			return bytes.Replace(b, []byte(`"stateRoot":"0x`), []byte(`"stateRoot":"0x0`), 1)
		}), verify.ErrHeader},
		{"another proof", on("/head/", func(b []byte) []byte { return replaceLast(b, "a0", "a1") }), verify.ErrProof},
		{"nothing", on("/", func([]byte) []byte { return nil }), verify.ErrSource},
		{"nonsense", on("/", func([]byte) []byte { return []byte(`{"latest":[[[[`) }), verify.ErrSource},
		{"without end", on("/", func([]byte) []byte { return make([]byte, registry.MaxLogs+1) }), verify.ErrSource},
	} {
		r.org.NewCA() // something to be read
		alter.Store(&row.lie)
		time.Sleep(r.server.c.tip)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		res, err := reader.Tick(ctx)
		cancel()
		var named *verify.EndpointError
		if res != nil || !errors.Is(err, row.want) || !errors.As(err, &named) || named.Endpoint != "mirror 1" {
			t.Errorf("%s: %v, %v, want %v", row.name, res, err, row.want)
		}
		alter.Store(nil)
		// A mirror that answered nonsense is left alone for a moment.
		harness.Eventually(t, harness.Patience, func() error {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			res, err := reader.Tick(ctx)
			if err != nil {
				return fmt.Errorf("%s: the twin: %w", row.name, err)
			}
			reader.Commit(res)
			return nil
		})
	}
}

func replaceLast(b []byte, old, new string) []byte {
	i := bytes.LastIndex(b, []byte(old))
	if i < 0 {
		return b
	}
	copy(b[i:], new)
	return b
}

// A mirror that leads elsewhere is not followed.
func TestRedirects(t *testing.T) {
	r := newRig(t, nil)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, r.url+req.URL.Path, http.StatusTemporaryRedirect)
	}))
	t.Cleanup(s.Close)
	reader := r.reader(dial(t, s.URL))
	if _, err := reader.Tick(t.Context()); !errors.Is(err, verify.ErrSource) {
		t.Errorf("got %v", err)
	}
	if n := r.up.heads.Load(); n != 0 {
		t.Errorf("it was followed %d times", n)
	}
	blocks, err := store.NewMirror(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := blocks.Get(t.Context(), bundle.Sum(nil), 0); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("block: %v", err)
	}
}
