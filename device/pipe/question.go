package pipe

import (
	"encoding/binary"
	"strings"
	"time"

	"dpki/bundle"
	"dpki/registry"
	"dpki/registry/witness"
	"dpki/state"
)

// Place is somewhere that fetch may ask.
type Place struct {
	Type     string // one of the Place constants
	Location string // URL, or the path of a folder; at most MaxLocation bytes
}

// What a Place can be.
const (
	Endpoint = "endpoint"
	Mirror   = "mirror"
	Folder   = "folder"
	Gateway  = "gateway"
	Sandbox  = "sandbox"
	Witness  = "witness" // a URL, or the path of a folder

	// MaxPlaces is how many places a configuration may name.
	MaxPlaces = maxFields
	// MaxLocation bounds a place's URL or path, in bytes.
	MaxLocation = 1024
)

// maxTimeout bounds what run may ask fetch to wait.
const maxTimeout = 10 * time.Minute

type headQuestion struct {
	endpoint int
	timeout  time.Duration
	query    registry.HeadQuery
}

type logsQuestion struct {
	endpoint int
	timeout  time.Duration
	query    registry.LogQuery
}

type headersQuestion struct {
	endpoint int
	timeout  time.Duration
	numbers  []uint64
}

type blockQuestion struct {
	timeout time.Duration
	id      bundle.CID
	max     int
}

type segmentQuestion struct {
	archive int
	timeout time.Duration
	scope   state.Word
	index   uint64
}

type receiptQuestion struct {
	timeout time.Duration
	key     state.Word
	receipt []byte
}

type checkpointQuestion struct {
	place   int
	timeout time.Duration
	key     witness.Key
}

func configureFields(places []Place) [][]byte {
	fields := make([][]byte, len(places))
	for i, p := range places {
		fields[i] = []byte(p.Type + " " + p.Location)
	}
	return fields
}

func parseConfigure(fields [][]byte) ([]Place, error) {
	places := make([]Place, 0, len(fields))
	for _, f := range fields {
		t, location, ok := strings.Cut(string(f), " ")
		switch t {
		case Endpoint, Mirror, Folder, Gateway, Sandbox, Witness:
		default:
			ok = false
		}
		if !ok || location == "" || len(location) > MaxLocation {
			return nil, protocol("place %.40q", f)
		}
		places = append(places, Place{t, location})
	}
	return places, nil
}

func (q headQuestion) fields() [][]byte {
	f := append(asked(q.endpoint, q.timeout), q.query.Contract[:], be(8, q.query.At), flag(q.query.TipOnly))
	return appendWords(f, q.query.Slots)
}

func parseHead(fields [][]byte) (q headQuestion, err error) {
	r := fieldReader{fields: fields}
	q.endpoint, q.timeout = r.asked()
	copy(q.query.Contract[:], r.bytes(20))
	q.query.At = r.uint(8)
	q.query.TipOnly = r.flag()
	q.query.Slots = r.words(registry.MaxSlots)
	return q, r.end()
}

func (q logsQuestion) fields() [][]byte {
	f := append(asked(q.endpoint, q.timeout), q.query.Contract[:], q.query.Org[:],
		be(8, q.query.From), be(8, q.query.To), be(4, uint64(q.query.Max)))
	return appendWords(f, q.query.Scopes)
}

func parseLogs(fields [][]byte) (q logsQuestion, err error) {
	r := fieldReader{fields: fields}
	q.endpoint, q.timeout = r.asked()
	copy(q.query.Contract[:], r.bytes(20))
	copy(q.query.Org[:], r.bytes(32))
	q.query.From, q.query.To = r.uint(8), r.uint(8)
	q.query.Max = int(r.uint(4))
	q.query.Scopes = r.words(registry.MaxSlots)
	if q.query.Max <= 0 || q.query.Max > registry.MaxLogs || len(q.query.Scopes) == 0 {
		r.bad = true
	}
	return q, r.end()
}

func (q headersQuestion) fields() [][]byte {
	f := asked(q.endpoint, q.timeout)
	for _, n := range q.numbers {
		f = append(f, be(8, n))
	}
	return f
}

func parseHeaders(fields [][]byte) (q headersQuestion, err error) {
	r := fieldReader{fields: fields}
	q.endpoint, q.timeout = r.asked()
	for len(r.fields) > 0 && !r.bad {
		q.numbers = append(q.numbers, r.uint(8))
	}
	if len(q.numbers) == 0 || len(q.numbers) > registry.MaxHeaders {
		r.bad = true
	}
	return q, r.end()
}

func (q blockQuestion) fields() [][]byte {
	return [][]byte{millis(q.timeout), q.id[:], be(4, uint64(q.max))}
}

func parseBlock(fields [][]byte) (q blockQuestion, err error) {
	r := fieldReader{fields: fields}
	q.timeout = r.duration()
	copy(q.id[:], r.bytes(32))
	q.max = int(r.uint(4))
	if q.max <= 0 || q.max > bundle.MaxBlock {
		r.bad = true
	}
	return q, r.end()
}

func (q segmentQuestion) fields() [][]byte {
	return append(asked(q.archive, q.timeout), q.scope[:], be(8, q.index))
}

func parseSegment(fields [][]byte) (q segmentQuestion, err error) {
	r := fieldReader{fields: fields}
	q.archive, q.timeout = r.asked()
	copy(q.scope[:], r.bytes(32))
	q.index = r.uint(8)
	return q, r.end()
}

func (q receiptQuestion) fields() [][]byte {
	return [][]byte{millis(q.timeout), q.key[:], q.receipt}
}

func parseReceipt(fields [][]byte) (q receiptQuestion, err error) {
	r := fieldReader{fields: fields}
	q.timeout = r.duration()
	copy(q.key[:], r.bytes(32))
	if len(r.fields) == 1 && len(r.fields[0]) <= bundle.MaxReceipt {
		q.receipt, r.fields = r.fields[0], nil
	} else {
		r.bad = true
	}
	return q, r.end()
}

func (q checkpointQuestion) fields() [][]byte { return append(asked(q.place, q.timeout), q.key[:]) }

func parseCheckpoint(fields [][]byte) (q checkpointQuestion, err error) {
	r := fieldReader{fields: fields}
	q.place, q.timeout = r.asked()
	copy(q.key[:], r.bytes(len(q.key)))
	return q, r.end()
}

func asked(endpoint int, timeout time.Duration) [][]byte {
	return [][]byte{be(2, uint64(endpoint)), millis(timeout)}
}

func millis(d time.Duration) []byte {
	return be(4, uint64(max(min(d, maxTimeout), time.Millisecond)/time.Millisecond))
}

func be(width int, v uint64) []byte {
	b := binary.BigEndian.AppendUint64(nil, v)
	return b[8-width:]
}

func flag(on bool) []byte {
	if on {
		return []byte{1}
	}
	return []byte{0}
}

func appendWords(f [][]byte, words []state.Word) [][]byte {
	for i := range words {
		f = append(f, words[i][:])
	}
	return f
}

// fieldReader takes fields of known width off a frame; what does not fit shows
// at the end.
type fieldReader struct {
	fields [][]byte
	bad    bool
}

func (r *fieldReader) bytes(width int) []byte {
	if len(r.fields) == 0 || len(r.fields[0]) != width {
		r.bad, r.fields = true, nil
		return nil
	}
	v := r.fields[0]
	r.fields = r.fields[1:]
	return v
}

func (r *fieldReader) uint(width int) uint64 {
	var v uint64
	for _, c := range r.bytes(width) {
		v = v<<8 | uint64(c)
	}
	return v
}

func (r *fieldReader) duration() time.Duration {
	d := time.Duration(r.uint(4)) * time.Millisecond
	if d <= 0 || d > maxTimeout {
		r.bad = true
	}
	return d
}

func (r *fieldReader) asked() (endpoint int, timeout time.Duration) {
	return int(r.uint(2)), r.duration()
}

func (r *fieldReader) flag() bool {
	v := r.uint(1)
	if v > 1 {
		r.bad = true
	}
	return v == 1
}

// words takes all remaining fields.
func (r *fieldReader) words(max int) []state.Word {
	var words []state.Word
	for len(r.fields) > 0 && !r.bad {
		var w state.Word
		copy(w[:], r.bytes(32))
		words = append(words, w)
	}
	if len(words) > max {
		r.bad = true
	}
	return words
}

func (r *fieldReader) end() error {
	if r.bad || len(r.fields) > 0 {
		return protocol("malformed question")
	}
	return nil
}
