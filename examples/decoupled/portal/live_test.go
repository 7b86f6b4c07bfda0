package portal

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/examples/decoupled/plan"
)

// One page, from the click to the plan, without a reload.
func TestABrowserSeesItLive(t *testing.T) {
	s := newSite(t)
	b := newBrowser(s, true)
	b.asks("Autumn range")
	b.mark()
	b.sees(nth(2, "current"))
	l := s.Claim()
	b.sees(nth(3, "current"))
	b.says("#state", "running")
	s.Report(l, 42, "5 of 12")
	b.sees(`progress[value="42"]`)
	b.says("#far", "42 %, 5 of 12 products")
	b.shoot("running")
	b.does(chromedp.EmulateViewport(360, 740))
	if wide := eval[int](b, "document.documentElement.scrollWidth"); wide > 360 {
		t.Errorf("on a phone it is %d wide", wide)
	}
	b.shoot("running-phone")
	b.does(chromedp.EmulateViewport(860, 900))

	s.Succeed(l, answer(t, plan.Question{Title: "Autumn range", Products: 12, Level: 95}))
	b.sees("#outcome .figure")
	b.sees(nth(4, "done"))
	b.says("#state", "done")
	b.says("#outcome", "S012")
	b.sees("#cancel[hidden]")
	b.sameVisit()
	b.sees("#outcome img")
	if !eval[bool](b, "document.querySelector('#outcome img').decode().then(() => true)") {
		t.Error("the picture can't be shown")
	}
	b.shoot("done")
	b.prefers("dark")
	b.shoot("done-dark")
	b.does(chromedp.EmulateViewport(360, 740))
	if wide := eval[int](b, "document.documentElement.scrollWidth"); wide > 360 {
		t.Errorf("on a phone the plan is %d wide", wide)
	}
	b.shoot("done-phone")
	b.content()
}

// A person who thinks better of it.
func TestABrowserCancels(t *testing.T) {
	s := newSite(t)
	b := newBrowser(s, true)
	b.asks("Regret")
	l := s.Claim()
	b.sees(nth(3, "current"))
	b.mark()
	b.does(chromedp.SendKeys(chromedp.CSS("#cancel button"), "\r")) // by the keyboard alone
	b.sees("#state.cancelling")
	// The worker hears of it at its next beat; whatever it says then, the end is this.
	if _, err := s.Store.Settle(t.Context(), []backends.Settlement{{Lease: l, Verb: backends.Commit, Outcome: backends.Succeeded}}); err != nil {
		t.Fatal(err)
	}
	b.says("#outcome .problem", "The job was cancelled.")
	b.says("#state", "cancelled")
	b.sameVisit()
	b.content()
}

// An attempt that failed, and then one that failed for good; a hostile name all along.
func TestABrowserSeesWhatWentWrong(t *testing.T) {
	s := newSite(t)
	b := newBrowser(s, true)
	b.asks("<b id=evil>East</b>")
	s.Retry(s.Claim(), 0, "the service is busy <b id=evil>")
	b.sees("#failure:not([hidden])")
	b.says("#state", "retrying")
	b.says("#failure", "the service is busy")
	b.shoot("retrying")
	s.Die(s.Claim(), "the harbour has closed <b id=evil>")
	b.says("#outcome .problem", "The job failed.")
	b.says("#outcome .problem", "the harbour has closed")
	b.says("#state", "failed")
	b.sees(nth(4, "failed"))
	if eval[bool](b, "document.getElementById('evil') !== null") {
		t.Error("a name became an element")
	}
	b.shoot("failed")
	b.content()
}

func TestABrowserSeesThatItIsTooLate(t *testing.T) {
	s := newSite(t)
	b := newBrowser(s, true)
	b.asks("Tonight", chromedp.SetValue(chromedp.CSS("select[name=within]"), "1"))
	b.says("#outcome .problem", "The job was not done before its deadline.")
	b.says("#state", "expired")
	b.sees(nth(3, "failed") + ":last-child") // it never ran
	b.shoot("expired")
	b.content()
	b.does(chromedp.Navigate(b.URL))
	b.says(".list li", "Tonight expired")
	b.shoot("home")
}

// The list is live, too.
func TestABrowserSeesTheListGoOn(t *testing.T) {
	s := newSite(t)
	b := newBrowser(s, true)
	b.asks("Autumn")
	b.does(chromedp.Navigate(b.URL))
	b.mark()
	b.sees(".list .state.queued")
	l := s.Claim()
	s.Report(l, 66, "")
	b.sees(".list .state.running")
	b.says(".list li", "66 %")
	s.Die(l, "no")
	b.sees(".list .state.dead")
	b.sameVisit()
	b.content()
}

// A connection that breaks is made anew, and what was missed is there.
func TestABrowserComesBackAfterABreak(t *testing.T) {
	s := newSite(t)
	b := newBrowser(s, true)
	b.asks("Tunnel")
	l := s.Claim()
	s.Report(l, 20, "")
	b.sees(`progress[value="20"]`)
	b.mark()
	s.CloseClientConnections()
	b.sees("#link:not([hidden])")
	s.Report(l, 70, "")
	b.sees(`progress[value="70"]`)
	b.sees("#link[hidden]")
	b.sameVisit()
}

// Where there is no stream the page asks, and asks again.
func TestABrowserWithoutAStreamPolls(t *testing.T) {
	s := newSite(t)
	b := newBrowser(s, true)
	streaming := s.Config.Handler
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/events") {
			http.Error(w, "no streams here", http.StatusServiceUnavailable)
			return
		}
		streaming.ServeHTTP(w, r)
	})
	b.asks("Proxy")
	b.mark()
	l := s.Claim()
	b.sees(nth(3, "current"))
	s.Report(l, 30, "")
	b.sees(`progress[value="30"]`)
	s.Die(l, "no")
	b.says("#outcome .problem", "The job failed.")
	b.sameVisit()
}

// With scripts off the same pages reload themselves until the end.
func TestABrowserWithoutJavaScript(t *testing.T) {
	s := newSite(t)
	b := newBrowser(s, false)
	b.asks("Plain")
	b.sees(nth(2, "current"))
	l := s.Claim()
	b.sees(nth(3, "current"))
	s.Report(l, 58, "7 of 12")
	b.sees(`progress[value="58"]`)
	b.says("#far", "58 %, 7 of 12 products")
	s.Succeed(l, answer(t, plan.Question{Title: "Plain", Products: 2, Level: 95}))
	b.sees("#outcome .figure")
	b.asks("Plain regret")
	b.does(chromedp.Click(chromedp.CSS("#cancel button")))
	b.says("#outcome .problem", "The job was cancelled.")
	b.content()
}

// What the other tests would hear, were there something to complain of.
func TestTheBrowserComplainsOfAnInlineScript(t *testing.T) {
	b := newBrowser(newSite(t), true)
	b.does(chromedp.Navigate(b.URL))
	if eval[bool](b, `document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = true'})), window.ran === true`) {
		t.Error("it ran")
	}
	for range 100 {
		if len(b.complaints()) > 0 {
			return
		}
		b.does(chromedp.Sleep(20 * time.Millisecond))
	}
	t.Error("nobody complained")
}
