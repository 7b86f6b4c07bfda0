package portal

import (
	"errors"
	"net/http"

	"github.com/leat-go/leat/examples/decoupled/plan"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result"
)

// questionView is the page of one question.
type questionView struct {
	row
	Steps   []step
	Bar     bool         // something is known of how far it is, or may soon be
	Failure string       // of the newest attempt that went wrong, while it lives
	Answer  *plan.Answer // once it has succeeded
	Problem *problem     // once it has ended otherwise
}

// look shows how a question stands.
func (p *Portal) look(w http.ResponseWriter, r *http.Request) {
	tenant := welcome(w, r)
	ref := queue.Ref{Tenant: tenant, ID: r.PathValue("id")}
	s, err := result.Lookup(r.Context(), p.queue, ref)
	if err != nil {
		away(w, err)
		return
	}
	v := questionView{row: row{s, "Question"}, Steps: steps(s), Bar: !s.State.Ended(), Problem: problemOf(s)}
	if n := len(s.Failures); n > 0 && !s.State.Ended() {
		v.Failure = s.Failures[n-1].Text
	}
	rows, err := p.list(r.Context(), tenant)
	if err != nil {
		away(w, err)
		return
	}
	for _, one := range rows {
		if one.Ref == ref {
			v.Title = one.Title
		}
	}
	if s.State == queue.Succeeded {
		a, err := result.Get(r.Context(), p.queue, ref)
		if err != nil {
			away(w, err)
			return
		}
		v.Title, v.Answer = a.Title, &a
	}
	show(w, http.StatusOK, questionPage, v)
}

// cancel ends a question. It may have ended meanwhile: its page says so.
func (p *Portal) cancel(w http.ResponseWriter, r *http.Request) {
	ref := queue.Ref{Tenant: welcome(w, r), ID: r.PathValue("id")}
	if err := p.queue.Cancel(r.Context(), ref); err != nil && !errors.Is(err, queue.ErrEnded) {
		away(w, err)
		return
	}
	http.Redirect(w, r, "/questions/"+ref.ID, http.StatusSeeOther)
}
