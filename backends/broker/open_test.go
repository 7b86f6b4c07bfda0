package broker_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/broker"
)

func init() {
	broker.RegisterRecords("shelf", func(context.Context, *url.URL) (*broker.RecordStore, error) {
		return &broker.RecordStore{Records: backendtest.NewShelf(), Name: "shelf", Durability: backends.Process, Close: func() error { return errKilled }}, nil
	})
}

func parsed(t *testing.T, raw string, mine ...string) (*broker.Address, error) {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return broker.Parse(t.Context(), u, mine...)
}

func TestParse_TakesOffWhatIsOurs(t *testing.T) {
	a, err := parsed(t, "pipe://host/path?queue=whatif&create=true&region=r&records=shelf%3A%2F%2Fx", "create")
	if err != nil {
		t.Fatal(err)
	}
	if a.Rest.String() != "pipe://host/path?region=r" || a.Params.Encode() != "create=true" || a.Queue != "whatif" {
		t.Errorf("rest %s, params %v, queue %q", a.Rest, a.Params, a.Queue)
	}
	b := a.Backend(newPipe(standardFacts()))
	if f := b.Features(); f.Name != "pipe+shelf" || !f.Records {
		t.Errorf("features: %+v", f)
	}
	if err := b.Close(); err == nil {
		t.Error("the store was not closed")
	}
}

func TestParse_WithoutRecordsFiresAndForgets(t *testing.T) {
	a, err := parsed(t, "pipe://host")
	if err != nil {
		t.Fatal(err)
	}
	if f := a.Backend(newPipe(standardFacts())).Features(); f.Records || f.Name != "pipe" {
		t.Errorf("features: %+v", f)
	}
}

func TestParse_SaysWhatIsWrong(t *testing.T) {
	for raw, want := range map[string]string{
		"pipe://h?queue=a&queue=b":            `"queue" is given twice`,
		"pipe://h?records=nowhere%3A%2F%2Fx":  `no driver for scheme "nowhere" is registered (have: `,
		"pipe://h?records=dynamodb%3A%2F%2Fx": `no driver for scheme "dynamodb"; import _ "github.com/leat-go/leat/backends/broker/docrecords/dynamodb"`,
		"pipe://h?records=%3A%2F%2Fs3cret%25": "can't be parsed",
		"pipe://h?a;b":                        "malformed",
	} {
		_, err := parsed(t, raw)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v, want %q", raw, err, want)
		}
	}
}
