package dynamodb_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gocloud.dev/docstore/awsdynamodb/v2"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/docrecords"
	"github.com/leat-go/leat/backends/broker/docrecords/dynamodb"
)

// expectSetup expects a SetupError with these words.
func expectSetup(t *testing.T, err error, words ...string) {
	t.Helper()
	var setup *dynamodb.SetupError
	if !errors.As(err, &setup) || setup.Table != "records" {
		t.Fatalf("%T: %v; want a SetupError of the table", err, err)
	}
	for _, w := range words {
		if !strings.Contains(setup.Error(), w) {
			t.Errorf("%q doesn't say %q", setup, w)
		}
	}
}

// refusing answers one operation with an error.
func refusing(op, code string) place {
	at := inProcess("key")
	inner := at.RoundTripper
	at.RoundTripper = wire(func(r *http.Request) (*http.Response, error) {
		if operation(r) == op {
			return refusal(code), nil
		}
		return inner.RoundTrip(r)
	})
	return at
}

func openPlain(t *testing.T, at place, key string) (*broker.RecordStore, error) {
	return dynamodb.Open(t.Context(), client(at), dynamodb.Table{Name: "records", Key: key})
}

func TestMissingTableNamesTheCommand(t *testing.T) {
	everywhere(t, func(t *testing.T, at place) {
		_, err := openPlain(t, at, "id")
		expectSetup(t, err, "missing in region eu-central-1", "create=true",
			"aws dynamodb create-table --region eu-central-1 --table-name records --billing-mode PAY_PER_REQUEST"+
				" --attribute-definitions AttributeName=id,AttributeType=S --key-schema AttributeName=id,KeyType=HASH",
			"Enabled=true,AttributeName=expire")
	})
}

func TestWrongKeyIsSeenAtOpen(t *testing.T) {
	everywhere(t, func(t *testing.T, at place) {
		open(t, at)
		_, err := openPlain(t, at, "id")
		expectSetup(t, err, "has the key key (S); records need id (S)", "partition_key")
	})
	for name, keys := range map[string][]string{
		"key (S) + sort (N)": {"key", "S", "sort", "N"},
		"key (N)":            {"key", "N"},
	} {
		t.Run(name, func(t *testing.T) {
			at := place{"http://dynamodb.invalid", wire(func(*http.Request) (*http.Response, error) {
				return answer(200, table("ACTIVE", keys...)), nil
			})}
			_, err := openPlain(t, at, "")
			expectSetup(t, err, "has the key "+name+";")
		})
	}
}

func TestCreateMakesTheTable(t *testing.T) {
	at := inProcess("")
	m := &meter{RoundTripper: at.RoundTripper, n: map[string]int{}}
	at.RoundTripper = m
	open(t, at)
	want := map[string]int{"DescribeTable": 2, "CreateTable": 1, "UpdateTimeToLive": 1}
	if diff := cmp.Diff(want, m.take()); diff != "" {
		t.Errorf("the first time (-want +got):\n%s", diff)
	}
	open(t, at)
	if diff := cmp.Diff(map[string]int{"DescribeTable": 1}, m.take()); diff != "" {
		t.Errorf("the second time (-want +got):\n%s", diff)
	}
}

func TestCreateWaitsForAnother(t *testing.T) {
	at, describes := inProcess("key"), 0
	inner := at.RoundTripper
	at.RoundTripper = wire(func(r *http.Request) (*http.Response, error) {
		switch op := operation(r); {
		case op == "CreateTable":
			return refusal("ResourceInUseException"), nil
		case op == "DescribeTable":
			if describes++; describes == 1 {
				return refusal("ResourceNotFoundException"), nil
			}
		}
		return inner.RoundTrip(r)
	})
	open(t, at)
	if describes < 2 {
		t.Fatal("nobody waited")
	}
}

func TestFaultsSayWhatToDo(t *testing.T) {
	for code, words := range map[string][]string{
		"AccessDeniedException":       {"grant the action dynamodb:"},
		"ExpiredTokenException":       {"expired", "renew"},
		"UnrecognizedClientException": {"not valid in region eu-central-1"},
	} {
		t.Run("open "+code, func(t *testing.T) {
			_, err := openPlain(t, refusing("DescribeTable", code), "")
			expectSetup(t, err, words...)
		})
		t.Run("write "+code, func(t *testing.T) {
			_, err := open(t, refusing("PutItem", code)).Put(t.Context(), "key", nil, "", time.Time{})
			expectSetup(t, err, words...)
		})
	}
	_, err := open(t, refusing("PutItem", "AccessDeniedException")).Put(t.Context(), "key", nil, "", time.Time{})
	expectSetup(t, err, "dynamodb:PutItem")
	_, _, err = open(t, refusing("BatchGetItem", "AccessDeniedException")).Get(t.Context(), "key", "")
	expectSetup(t, err, "dynamodb:BatchGetItem")
}

func TestNoSuchRegion(t *testing.T) {
	at := place{"http://dynamodb.eu-centrall-1.amazonaws.com", wire(func(*http.Request) (*http.Response, error) {
		return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
	})}
	_, err := openPlain(t, at, "")
	expectSetup(t, err, "spelling of the region")
}

// A table that goes is no reason to believe that its records never were.
func TestTableGoneIsNoAbsence(t *testing.T) {
	everywhere(t, func(t *testing.T, at place) {
		s := open(t, at)
		v, err := s.Put(t.Context(), "key", nil, "", time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		c := client(at)
		foreign, err := awsdynamodb.OpenCollection(c, "records", "key", "", &awsdynamodb.Options{ConsistentRead: true})
		if err != nil {
			t.Fatal(err)
		}
		defer foreign.Close()
		drop(t, at)
		for name, r := range map[string]broker.Records{
			"ours": s, "of a foreign collection": docrecords.New(foreign, docrecords.Options{Consistent: true}),
		} {
			if _, _, err := r.Get(t.Context(), "key", ""); err == nil {
				t.Errorf("%s: Get found no record, and no error", name)
			}
			for _, prev := range []backends.Version{"", v} {
				if _, err := r.Put(t.Context(), "key", nil, prev, time.Time{}); err == nil || errors.Is(err, backends.ErrConflict) {
					t.Errorf("%s: Put over %q: %v", name, prev, err)
				}
			}
		}
		_, _, err = s.Get(t.Context(), "key", "")
		expectSetup(t, err, "missing", "create-table")
	})
}

func TestUndoneReadIsNoAbsence(t *testing.T) {
	at, undone, reads := inProcess("key"), 2, 0
	inner := at.RoundTripper
	at.RoundTripper = wire(func(r *http.Request) (*http.Response, error) {
		if operation(r) == "BatchGetItem" {
			if reads++; reads <= undone {
				key := map[string]any{"key": map[string]any{"S": "key"}}
				return answer(200, map[string]any{"UnprocessedKeys": map[string]any{"records": map[string]any{"Keys": []any{key}}}}), nil
			}
		}
		return inner.RoundTrip(r)
	})
	s := open(t, at)
	if _, err := s.Put(t.Context(), "key", []byte("here"), "", time.Time{}); err != nil {
		t.Fatal(err)
	}
	if got, _, err := s.Get(t.Context(), "key", ""); string(got) != "here" || err != nil || reads != 3 {
		t.Fatalf("got %q, error %v, after %d reads", got, err, reads)
	}
	undone = 1000
	if got, v, err := s.Get(t.Context(), "key", ""); err == nil {
		t.Fatalf("got %q, version %q and no error", got, v)
	}
}

func TestThrottlingIsReturnedAfterRetries(t *testing.T) {
	at := refusing("PutItem", "ThrottlingException")
	m := &meter{RoundTripper: at.RoundTripper, n: map[string]int{}}
	at.RoundTripper = m
	_, err := open(t, at).Put(t.Context(), "key", nil, "", time.Time{})
	if err == nil || errors.Is(err, backends.ErrConflict) || m.take()["PutItem"] != 3 {
		t.Fatalf("error %v", err)
	}
}

func TestSlowStoreEndsWithTheContext(t *testing.T) {
	at := inProcess("key")
	inner := at.RoundTripper
	at.RoundTripper = wire(func(r *http.Request) (*http.Response, error) {
		if op := operation(r); op == "PutItem" || op == "BatchGetItem" {
			<-r.Context().Done()
		}
		return inner.RoundTrip(r)
	})
	s := open(t, at)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.Put(ctx, "key", nil, "", time.Time{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Put: %v", err)
	}
	if _, _, err := s.Get(ctx, "key", ""); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Get: %v", err)
	}
}

func TestForeignCollectionsAreRefused(t *testing.T) {
	coll, err := awsdynamodb.OpenCollection(client(inProcess("key")), "records", "key", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer coll.Close()
	defer func() {
		if recover() == nil {
			t.Error("a collection that may read stale documents was taken")
		}
	}()
	docrecords.New(coll, docrecords.Options{})
}
