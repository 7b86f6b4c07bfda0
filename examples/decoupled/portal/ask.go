package portal

import (
	"crypto/rand"
	"errors"
	"net/http"
	"strconv"

	"github.com/leat-go/leat/examples/decoupled/plan"
	"github.com/leat-go/leat/queue"
)

// homeView is the page with the form.
type homeView struct {
	Form      plan.Question
	Key       string // of the form: sent twice, by a double click or a reload, it is one job
	Suppliers []plan.Supplier
	Jobs      []row
	Wrong     string // what is to be mended; "" = nothing
}

func (p *Portal) home(w http.ResponseWriter, r *http.Request) {
	p.form(w, r, http.StatusOK, plan.Question{Title: "Autumn range", Products: 12, Level: 95}, "")
}

func (p *Portal) form(w http.ResponseWriter, r *http.Request, status int, filled plan.Question, wrong string) {
	jobs, err := p.list(r.Context(), welcome(w, r))
	if err != nil {
		away(w, err)
		return
	}
	show(w, status, homePage, homeView{filled, rand.Text(), plan.Suppliers(), jobs, wrong})
}

// maxForm bounds a form, in bytes.
const maxForm = 16 << 10

// ask enqueues the job of a form, and sends the browser to its page.
func (p *Portal) ask(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "The form can't be read.", http.StatusBadRequest)
		return
	}
	q := filled(r)
	if err := q.Check(); err != nil {
		p.form(w, r, http.StatusUnprocessableEntity, q, err.Error())
		return
	}
	opts := append(q.Options(), queue.Tenant(welcome(w, r)), queue.Key(r.PostForm.Get("key")))
	t, err := p.queue.Enqueue(r.Context(), q, opts...)
	switch {
	case errors.Is(err, queue.ErrBacklogFull):
		w.Header().Set("Retry-After", "5")
		p.form(w, r, http.StatusTooManyRequests, q, "so many questions are waiting that no more are taken: ask again in a moment")
	case errors.Is(err, queue.ErrKeyReused), errors.Is(err, queue.ErrInvalid): // a form that was changed after it was sent
		p.form(w, r, http.StatusUnprocessableEntity, q, "this form was sent before, with another question: send it again")
	case err != nil:
		away(w, err)
	default:
		http.Redirect(w, r, "/questions/"+t.ID, http.StatusSeeOther)
	}
}

// filled reads the form. What isn't a number is 0, which Check refuses in words.
func filled(r *http.Request) plan.Question {
	f := r.PostForm
	q := plan.Question{Title: f.Get("title"), Supplier: f.Get("supplier")}
	q.Products, _ = strconv.Atoi(f.Get("products"))
	q.Level, _ = strconv.ParseFloat(f.Get("level"), 64)
	q.Within, _ = strconv.ParseFloat(f.Get("within"), 64)
	if f.Get("replace") != "" {
		q.Screen = "page"
	}
	return q
}

// away answers where the store can't be reached.
func away(w http.ResponseWriter, err error) {
	status, text := http.StatusServiceUnavailable, "The jobs can't be reached now. Try again in a moment."
	if errors.Is(err, queue.ErrNotFound) {
		status, text = http.StatusNotFound, "There is no such question."
	} else {
		w.Header().Set("Retry-After", "5")
	}
	http.Error(w, text, status)
}
