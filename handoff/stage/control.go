package stage

import (
	"fmt"
	"io"
	"net/http"
)

// Control is the HTTP interface to a Manual: POST /start, /end and
// /mark?text=... each answer one line of text, with 409 when it is refused;
// GET / says what is waited for. Browsers are refused when another site's page
// sends them. Serve it on loopback only: it asks nobody who they are.
func Control(m *Manual) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /start", func(w http.ResponseWriter, _ *http.Request) { answer(w, m.Start(), "started") })
	mux.HandleFunc("POST /end", func(w http.ResponseWriter, _ *http.Request) { answer(w, m.End(), "ended") })
	mux.HandleFunc("POST /mark", func(w http.ResponseWriter, r *http.Request) {
		text := r.URL.Query().Get("text")
		if text == "" {
			http.Error(w, "what to mark? POST /mark?text=...", http.StatusBadRequest)
			return
		}
		answer(w, m.Note(text), "marked")
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%s\nPOST /start, /end or /mark?text=...\n", m.Waits())
	})
	return http.NewCrossOriginProtection().Handler(mux)
}

func answer(w http.ResponseWriter, refused error, done string) {
	if refused != nil {
		http.Error(w, refused.Error(), http.StatusConflict)
		return
	}
	io.WriteString(w, done+"\n")
}
