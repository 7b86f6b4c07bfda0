package portal

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/leat-go/leat/internal/services"
)

// browser is a tab of a real one, which notes what it complains of: a violated
// policy, a failed request, an exception.
type browser struct {
	*site
	tab   context.Context
	shots string

	mu       sync.Mutex
	complain []string
}

// newBrowser opens a tab, without JavaScript or with it.
func newBrowser(s *site, script bool) *browser {
	s.Helper()
	if testing.Short() {
		s.Skip("a browser takes seconds to start")
	}
	at := services.Program(s, "apt-get install -y --no-install-recommends chromium", "chromium", "chromium-browser", "google-chrome")
	opts := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(at), chromedp.NoSandbox, chromedp.WindowSize(860, 900))
	ctx, end := context.WithTimeout(s.Context(), 2*time.Minute)
	s.Cleanup(end)
	ctx, end = chromedp.NewExecAllocator(ctx, opts...)
	s.Cleanup(end)
	b := &browser{site: s, shots: os.Getenv("LEAT_SHOTS")}
	if b.shots == "" {
		b.shots = s.ArtifactDir()
	}
	if err := os.MkdirAll(b.shots, 0o755); err != nil {
		s.Fatal(err)
	}
	b.tab, end = chromedp.NewContext(ctx, chromedp.WithListener(b.hear))
	s.Cleanup(end)
	b.does()
	order(b, log.Enable, cdp.Empty{})
	b.prefers("light")
	order(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !script})
	return b
}

// order sends a command of the protocol.
func order[P, R any](b *browser, command cdp.Command[P, R], params P) {
	b.Helper()
	if _, err := chromedp.Call(b.tab, command, params); err != nil {
		b.Fatal(err)
	}
}

// prefers is the person's wish for light or dark, and always for a page that stands
// still, so that pictures come out the same.
func (b *browser) prefers(scheme string) {
	b.Helper()
	order(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
}

// hear notes what the browser complains of.
func (b *browser) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" || e.Entry.Level == "warning" {
			b.complain = append(b.complain, e.Entry.Text+" "+e.Entry.URL)
		}
	case *runtime.EventExceptionThrown:
		b.complain = append(b.complain, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" || e.Type == "assert" {
			b.complain = append(b.complain, fmt.Sprint("console: ", e.Type))
		}
	}
}

func (b *browser) complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.complain)
}

// content fails if the browser has complained.
func (b *browser) content() {
	b.Helper()
	if all := b.complaints(); len(all) > 0 {
		b.Errorf("the browser complains:\n%s", strings.Join(all, "\n"))
	}
}

func (b *browser) does(actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.tab, actions...); err != nil {
		b.Fatalf("%v; the browser says %q", err, b.complaints())
	}
}

// sees waits until an element is there, by its selector.
func (b *browser) sees(selector string) {
	b.Helper()
	late, end := context.WithTimeout(b.tab, 30*time.Second)
	defer end()
	if err := chromedp.Do(late, chromedp.WaitReady(chromedp.CSS(selector))); err != nil {
		page, _ := chromedp.Run(b.tab, chromedp.OuterHTML(chromedp.CSS("main")))
		b.Fatalf("no %s: %v, in\n%s\nthe browser says %q", selector, err, page, b.complaints())
	}
}

// says waits for an element with this text.
func (b *browser) says(selector, want string) {
	b.Helper()
	b.sees(selector)
	got, err := chromedp.Run(b.tab, chromedp.OuterHTML(chromedp.CSS(selector)))
	if err != nil {
		b.Fatal(err)
	}
	if !strings.Contains(plain(got), want) {
		b.Errorf("%s says %q, not %q", selector, plain(got), want)
	}
}

// asks fills the form in and sends it.
func (b *browser) asks(title string, more ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	field := chromedp.CSS("input[name=title]")
	b.does(chromedp.Navigate(b.URL), chromedp.SetAttributeValue(field, "value", ""), chromedp.SendKeys(field, title))
	b.does(more...)
	b.does(chromedp.Click(chromedp.CSS("form.ask button")))
	b.sees("#question")
}

// nth is the n-th step, in a state.
func nth(n int, state string) string { return fmt.Sprintf("#steps li:nth-child(%d).%s", n, state) }

// shoot writes a picture of the page for people to look at.
func (b *browser) shoot(name string) {
	b.Helper()
	png, err := chromedp.Run(b.tab, chromedp.FullScreenshot(100))
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.shots, name+".png"), png, 0o644); err != nil {
		b.Error(err)
	}
}

// eval returns what an expression is in the page, or comes to.
func eval[V any](b *browser, expression string) V {
	b.Helper()
	v, err := chromedp.Run(b.tab, chromedp.Evaluate[V](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatal(err)
	}
	return v
}

// mark and sameVisit tell whether a page was loaded again in between.
func (b *browser) mark() { eval[bool](b, "window.marked = true") }

func (b *browser) sameVisit() {
	b.Helper()
	if !eval[bool](b, "window.marked === true") {
		b.Error("the page was loaded again")
	}
}
