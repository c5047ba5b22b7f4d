package hostile

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Instead answers everything with the same bytes.
func Instead(status int, body []byte) Lie {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			w.Write(body)
		})
	}
}

// Body alters the whole body of what the honest handler answers with 200.
func Body(change func([]byte) []byte) Lie {
	return func(honest http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec := honestly(honest, r)
			body := rec.Body.Bytes()
			if rec.Code == http.StatusOK {
				body = change(bytes.Clone(body))
			}
			hand(w, rec, body)
		})
	}
}

// Redirect sends everybody elsewhere.
func Redirect(to string) Lie {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, strings.TrimSuffix(to, "/")+r.URL.RequestURI(), http.StatusTemporaryRedirect)
		})
	}
}

// Silent takes the question and never answers.
func Silent() Lie {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	}
}

// Hangup closes the connection without an answer.
func Hangup() Lie {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	}
}

// Stall sends half of the honest answer and keeps the connection.
func Stall() Lie {
	return half(func(r *http.Request) { <-r.Context().Done() })
}

// Truncate sends half of the honest answer and closes the connection.
func Truncate() Lie {
	return half(func(*http.Request) { panic(http.ErrAbortHandler) })
}

// half announces the whole answer and sends half of it.
func half(then func(*http.Request)) Lie {
	return func(honest http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec := honestly(honest, r)
			body := rec.Body.Bytes()
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
			hand(w, rec, body[:len(body)/2])
			http.NewResponseController(w).Flush()
			then(r)
		})
	}
}

// Endless sends begin and then more of fill, until the reader has had enough.
// quick bytes go out as fast as they are read; after that it sends nothing before
// the reader has read what it was sent, so that Count's Longest is what the reader
// read and not what the kernel holds.
func Endless(begin, fill string, quick int) Lie {
	piece := []byte(strings.Repeat(fill, 1+pieceSize/len(fill))[:pieceSize])
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			out, conn := http.NewResponseController(w), connOf(r)
			n, err := w.Write([]byte(begin))
			for err == nil && r.Context().Err() == nil && (n < quick || out.Flush() == nil && drained(r.Context(), conn)) {
				var m int
				m, err = w.Write(piece)
				n += m
			}
		})
	}
}

// Bomb is Endless once it is unpacked: a few bytes of it fill megabytes. size is
// how many it fills.
func Bomb(begin, fill string, size int) Lie {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write([]byte(begin))
	for n := len(begin); n < size; n += pieceSize {
		z.Write([]byte(strings.Repeat(fill, 1+pieceSize/len(fill))[:pieceSize]))
	}
	z.Close()
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(packed.Bytes())
		})
	}
}

// Elsewhere asks another place than the one that the proxy stands before.
func Elsewhere(to string) Lie {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (&pass{to: to}).ServeHTTP(w, r) })
	}
}

// Only tells a lie where a method is asked for.
func Only(method string, l Lie) Lie {
	return func(honest http.Handler) http.Handler {
		lying := l(honest)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			if bytes.Contains(body, []byte(`"`+method+`"`)) {
				lying.ServeHTTP(w, r)
				return
			}
			honest.ServeHTTP(w, r)
		})
	}
}

// LongHeader answers honestly, after a header of so many bytes.
func LongHeader(size int) Lie {
	return func(honest http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for i := 0; i < size; i += 1 << 10 {
				w.Header().Add("X-More", strings.Repeat("m", 1<<10))
			}
			rec := honestly(honest, r)
			hand(w, rec, append(rec.Body.Bytes(), ' '))
		})
	}
}

// At tells a lie below a path.
func At(path string, l Lie) Lie {
	return func(honest http.Handler) http.Handler {
		lying := l(honest)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, path) {
				lying.ServeHTTP(w, r)
				return
			}
			honest.ServeHTTP(w, r)
		})
	}
}
