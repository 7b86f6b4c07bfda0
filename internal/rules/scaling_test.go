package rules

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/leat-go/leat/worker"
)

// TestScalingPageKnowsTheJSON holds docs/scaling.md against what worker.Scale answers: the
// example, and the name that KEDA is told to look for.
func TestScalingPageKnowsTheJSON(t *testing.T) {
	page, err := os.ReadFile("../../docs/scaling.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	example := regexp.MustCompile("`(\\{\"queue\".*\\})`").FindStringSubmatch(text)
	if example == nil {
		t.Fatal("docs/scaling.md shows no answer")
	}
	var load worker.Load
	d := json.NewDecoder(strings.NewReader(example[1]))
	d.DisallowUnknownFields()
	if err := d.Decode(&load); err != nil {
		t.Fatal(err)
	}
	if again, _ := json.Marshal(load); string(again) != example[1] {
		t.Errorf("docs/scaling.md shows %s, the answer would be %s", example[1], again)
	}
	fields := map[string]any{}
	_ = json.Unmarshal([]byte(example[1]), &fields)
	places := regexp.MustCompile(`valueLocation: (\S+)`).FindAllStringSubmatch(text, -1)
	for _, p := range places {
		if _, number := fields[p[1]].(float64); !number {
			t.Errorf("valueLocation %q is no number of the answer", p[1])
		}
	}
	_, yaml, _ := strings.Cut(text, "```yaml\n")
	yaml, _, _ = strings.Cut(yaml, "```")
	for _, word := range []string{"type: metrics-api", "url: http", "/scale/", "format: json", `targetValue: "`, "scaleTargetRef:"} {
		if !strings.Contains(yaml, word) {
			t.Errorf("the ScaledObject has no %q", word)
		}
	}
	if len(places) == 0 || strings.Contains(yaml, "\t") {
		t.Error("the ScaledObject has no valueLocation, or tabs")
	}
}
