package portal

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed web
var web embed.FS

// pages are the templates of each page, in the common frame.
var (
	homePage     = parse("home.html")
	questionPage = parse("question.html")
)

func parse(page string) *template.Template {
	return template.Must(template.New("frame.html").Funcs(words).ParseFS(web, "web/frame.html", "web/"+page))
}

// tags are the ETags of static files.
var tags = map[string]string{"page.css": tag("page.css"), "page.js": tag("page.js"), "icon.svg": tag("icon.svg")}

func tag(file string) string {
	data, err := web.ReadFile("web/" + file)
	if err != nil {
		panic(err) // it is compiled in
	}
	sum := sha256.Sum256(data)
	return `"` + hex.EncodeToString(sum[:8]) + `"`
}

// static serves the style sheet and the script; a browser asks whether it has them.
func static(w http.ResponseWriter, r *http.Request) {
	file := r.PathValue("file")
	if tags[file] == "" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("ETag", tags[file])
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeFileFS(w, r, web, path.Join("web", file))
}

// show answers with a page.
func show(w http.ResponseWriter, status int, page *template.Template, view any) {
	var text strings.Builder
	if err := page.Execute(&text, view); err != nil {
		http.Error(w, "The page can't be shown.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text.String())) // a browser that has gone misses nothing
}

// words are what templates call.
var words = template.FuncMap{
	"stamp":  func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"clock":  func(t time.Time) string { return t.Local().Format("15:04:05") },
	"pounds": pounds,
}
