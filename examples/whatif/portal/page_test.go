package portal

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// TestRow_G1_ThePageRunsItsOwnScriptAlone: what a browser runs is the script that the
// policy has the hash of, and nothing makes markup of data.
func TestRow_G1_ThePageRunsItsOwnScriptAlone(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.SetBasicAuth("zeta", "")
	w := httptest.NewRecorder()
	new(Portal).page(w, r)
	given := w.Header().Get("Content-Security-Policy")
	for _, element := range []string{"script", "style"} {
		found := regexp.MustCompile("(?s)<"+element+"[^>]*>(.*?)</"+element+">").FindAllSubmatch(w.Body.Bytes(), -1)
		if len(found) != 1 {
			t.Fatalf("%d of %s", len(found), element)
		}
		sum := sha256.Sum256(found[0][1])
		if want := element + "-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(given, want) {
			t.Errorf("%q has no %q", given, want)
		}
	}
	if strings.Contains(given, "unsafe") || !strings.HasPrefix(given, "default-src 'none'") {
		t.Errorf("policy %q", given)
	}
	for _, markup := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", " style=", " onclick="} {
		if bytes.Contains(w.Body.Bytes(), []byte(markup)) {
			t.Errorf("the page has %s", markup)
		}
	}
}
