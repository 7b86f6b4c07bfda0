package lambda_test

import (
	"encoding/json"
	"errors"
	"strconv"

	"github.com/aws/aws-lambda-go/events"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker/lambda"
)

func (st *storm) inOrder(i int) {
	if !st.fifo || i < tenants || i >= st.first {
		return
	}
	st.mu.Lock()
	before := st.refs[i-tenants]
	st.mu.Unlock()
	if r := st.record(before); !r.State.Ended() || !r.Due.IsZero() {
		st.Errorf("job %d begins while %d of its group is %v (due %v)", i, i-tenants, r.State, r.Due)
	}
}

type holding struct{ now, ever int }

func (st *storm) holds(e events.SQSEvent) (end func() (unclear map[string]bool)) {
	unclear, mine := map[string]bool{}, map[string]int{}
	for _, m := range e.Records {
		over := st.over(m)
		st.mu.Lock()
		h := st.held[m.MessageId]
		unclear[m.MessageId] = over || h.now > 0
		mine[m.MessageId] = h.ever
		st.held[m.MessageId] = holding{h.now + 1, h.ever + 1}
		st.mu.Unlock()
	}
	return func() map[string]bool {
		st.mu.Lock()
		defer st.mu.Unlock()
		for id, ever := range mine {
			h := st.held[id]
			unclear[id] = unclear[id] || h.ever > ever+1
			st.held[id] = holding{h.now - 1, h.ever}
		}
		return unclear
	}
}

func (st *storm) exact(e events.SQSEvent, out events.SQSEventResponse, err error, unclear map[string]bool) {
	stays := map[string]bool{}
	stay, strict := errors.AsType[*lambda.StayError](err)
	switch {
	case strict:
		for _, id := range stay.Messages {
			stays[id] = true
		}
	case err != nil:
		st.Errorf("an invocation failed: %v", err)
	}
	for _, id := range failed(out) {
		stays[id] = true
	}
	for _, m := range e.Records {
		switch over, stay := st.over(m), stays[m.MessageId]; {
		case !over && !stay:
			st.Errorf("message %s goes, and its job isn't over", m.MessageId)
		case over && stay && !unclear[m.MessageId] && !st.faults: // what could not be deleted stays, too
			st.Errorf("message %s comes again, and its job is over", m.MessageId)
		}
	}
}

func (st *storm) over(m events.SQSMessage) bool {
	var ours struct{ Job backends.Ref }
	if json.Unmarshal([]byte(m.Body), &ours) != nil || ours.Job.ID == "" {
		st.Fatalf("message %s", m.Body)
	}
	r := st.record(ours.Job)
	return r.State.Ended() && r.Due.IsZero()
}

func (st *storm) verify() {
	for i, ref := range st.refs {
		want := queue.Succeeded
		if i%10 == 9 {
			want = queue.Dead
		}
		r := st.record(ref)
		if r.State != want {
			st.Errorf("job %d is %v (%s)", i, r.State, r.Reason)
			continue
		}
		if want != queue.Succeeded {
			continue
		}
		if token, _ := strconv.Atoi(string(r.Result)); len(st.written[ref]) != 1 || !st.written[ref][token] {
			st.Errorf("job %d has the result of claim %d, and told of %v", i, token, st.written[ref])
		}
	}
}
