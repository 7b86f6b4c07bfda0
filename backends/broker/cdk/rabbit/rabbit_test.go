package rabbit_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/cdk"
	"github.com/leat-go/leat/backends/broker/cdk/rabbit"
)

// bench is a transport on a queue of its own.
type bench struct {
	*testing.T
	*cdk.Transport
	o rabbit.Options
}

func opened(t *testing.T, o rabbit.Options) *bench {
	t.Helper()
	b := &bench{t, rabbit.New(o), o}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return b
}

func (b *bench) send(n int, delay time.Duration) {
	b.Helper()
	ms := make([]broker.Message, n)
	for i := range ms {
		ms[i] = broker.Message{Body: fmt.Append(nil, "message ", i), Delay: delay}
	}
	errs, err := b.Send(b.Context(), ms)
	if err := errors.Join(append(errs, err)...); err != nil {
		b.Fatalf("Send: %v", err)
	}
}

// receive receives so many, within 20 s, and stands errors on the way.
func (b *bench) receive(n int) (all []*broker.Delivery) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 20*time.Second)
	defer cancel()
	for len(all) < n {
		ds, err := b.Receive(ctx, n-len(all), time.Minute)
		if ctx.Err() != nil {
			b.Fatalf("%d messages came, want %d; the last error is %v", len(all), n, err)
		}
		all = append(all, ds...)
	}
	return all
}

func (b *bench) ack(ds ...*broker.Delivery) {
	b.Helper()
	errs, err := b.Ack(b.Context(), ds)
	if err := errors.Join(append(errs, err)...); err != nil {
		b.Fatalf("Ack: %v", err)
	}
}

// raw is a channel of the client library itself.
func (b *bench) raw() *amqp.Channel {
	b.Helper()
	c, err := amqp.Dial(server(b.T))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	ch, err := c.Channel()
	if err != nil {
		b.Fatal(err)
	}
	return ch
}

// ready waits, 10 s at most, until the server has so many messages that nobody holds.
func (b *bench) ready(want int) {
	b.Helper()
	ch := b.raw()
	for got, end := -1, time.Now().Add(10*time.Second); got != want; <-time.After(20 * time.Millisecond) {
		q, err := ch.QueueDeclarePassive(b.o.Name, true, false, false, false, nil)
		if err != nil {
			b.Fatal(err)
		}
		if got = q.Messages; got != want && time.Now().After(end) {
			b.Fatalf("the server has %d messages that nobody holds, want %d", got, want)
		}
	}
}

func TestReceive_HoldsNoMoreThanPrefetch(t *testing.T) {
	o := fresh(t)
	o.Prefetch = 8
	b := opened(t, o)
	b.send(50, 0)
	ds := b.receive(3)
	b.ready(42)
	b.ack(ds...)
	b.ready(39)
}

func TestClose_GivesBackAll(t *testing.T) {
	b := opened(t, fresh(t))
	b.send(20, 0)
	ds := b.receive(5)
	if errs, err := b.Nack(t.Context(), []broker.Nack{{Delivery: ds[0], Delay: time.Minute}}); err != nil || errors.Join(errs...) != nil {
		t.Fatal(errs, err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b.ready(20)
}

func TestReceive_LostConnectionIsMended(t *testing.T) {
	o := fresh(t)
	url, cable := wired(t, o.URL)
	o.URL = url
	b := opened(t, o)
	b.send(30, 0)
	before := b.receive(10)
	cable.cut()
	others := map[string]bool{}
	for len(others) < 20 {
		d := b.receive(1)[0] // of the old connection still, for some
		if errs, _ := b.Ack(t.Context(), []*broker.Delivery{d}); errs[0] == nil {
			others[string(d.Body)] = true
		}
	}
	for _, d := range before {
		if others[string(d.Body)] {
			t.Errorf("%s is held here, and was delivered again", d.Body)
		}
	}
	b.ack(before...) // which came again by the new connection
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b.ready(0)
}

func TestSend_LostConnectionIsMended(t *testing.T) {
	o := fresh(t)
	url, cable := wired(t, o.URL)
	o.URL = url
	b := opened(t, o)
	b.send(1, 0)
	cable.cut()
	for failed := 0; ; failed++ {
		errs, err := b.Send(t.Context(), []broker.Message{{Body: []byte("again")}})
		if errors.Join(append(errs, err)...) == nil {
			break
		}
		if failed == 3 {
			t.Fatalf("sending never comes back: %v, %v", errs, err)
		}
	}
	b.ready(2)
}

func TestSend_IsPersistent(t *testing.T) {
	b := opened(t, fresh(t))
	b.send(1, 0)
	d, ok, err := b.raw().Get(b.o.Name, true)
	if err != nil || !ok || d.DeliveryMode != amqp.Persistent || d.Timestamp.IsZero() {
		t.Fatalf("message %+v, %v, %v", d, ok, err)
	}
}

func TestSend_DelayGoesTheLongWayRound(t *testing.T) {
	b := opened(t, fresh(t))
	start := time.Now()
	b.send(1, 3*time.Second)
	d := b.receive(1)[0]
	if took := time.Since(start); took < 2*time.Second || took > 4*time.Second {
		t.Errorf("came after %v, want the 2 s of the longest queue that fits", took)
	}
	if d.Receives != 1 {
		t.Errorf("delivery %d, want the first", d.Receives)
	}
	b.ack(d)
	b.ready(0)
}

func TestNack_CountsAndComesAgain(t *testing.T) {
	b := opened(t, fresh(t))
	b.send(1, 0)
	id := ""
	for n := 1; n <= 3; n++ {
		d := b.receive(1)[0]
		if d.Receives != n || id != "" && d.ID != id {
			t.Fatalf("delivery %d of %s, want %d of %s", d.Receives, d.ID, n, id)
		}
		id = d.ID
		if errs, err := b.Nack(t.Context(), []broker.Nack{{Delivery: d}}); err != nil || errors.Join(errs...) != nil {
			t.Fatal(errs, err)
		}
	}
}

func TestForeign_MessagesAreNeverTakenForOne(t *testing.T) {
	b := opened(t, fresh(t))
	ch := b.raw()
	for _, name := range []string{"theirs", "", ""} {
		err := ch.PublishWithContext(t.Context(), "", b.o.Name, true, false, amqp.Publishing{Body: []byte("{}"), MessageId: name})
		if err != nil {
			t.Fatal(err)
		}
	}
	ids := map[string]bool{}
	for _, d := range b.receive(3) {
		ids[d.ID] = true
		b.ack(d)
	}
	if len(ids) != 3 || !ids["theirs"] {
		t.Errorf("ids %v", ids)
	}
}

func TestMissingQueue_SaysHowToMakeIt(t *testing.T) {
	o := rabbit.Options{URL: server(t), Name: "leat-test-missing"}
	b := opened(t, o)
	for range 2 {
		if err := b.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "Declare") {
			t.Errorf("error %v, want one that names Declare", err)
		}
	}
}

func TestURL_OpensAQueue(t *testing.T) {
	o := fresh(t)
	raw := strings.Replace(o.URL, "amqp://", "cdk+rabbit://", 1) + "?create=true&prefetch=4&name=" + url.QueryEscape(o.Name)
	b, err := backends.Open(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	if f := b.Features(); f.Name != "rabbit" || f.Durability != backends.Disk || !f.Shared {
		t.Errorf("features: %+v", f)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func TestURL_SaysWhatIsWrong(t *testing.T) {
	for raw, want := range map[string]string{
		"cdk+rabbit://u:s3cret@h":                            "needs name=",
		"cdk+rabbit://u:s3cret@h?name=q&prefetch=many":       "prefetch is a number",
		"cdk+rabbit://u:s3cret@h?name=q&create=perhaps":      "create is true or false",
		"cdk+rabbit://u:s3cret@h?name=q&color=1":             "takes name, prefetch, create, queue and records only",
		"cdk+rabbit://u:s3cret@127.0.0.1:1?name=q":           "connection refused",
		"cdk+rabbits://u:s3cret@127.0.0.1:1?name=q&queue=wi": "connection refused",
	} {
		_, err := backends.Open(t.Context(), raw)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v, want %q", raw, err, want)
		}
	}
}
