package sqstest

import (
	"context"
	"strings"
	"time"
)

type settleEntry struct {
	Id, ReceiptHandle string
	VisibilityTimeout int
}

type settleInput struct {
	QueueUrl string
	Entries  []settleEntry
}

func (s *Server) deleteBatch(_ context.Context, in *settleInput) (any, error) {
	return s.each(in, func(q *queue, m *message, e *settleEntry, _ time.Time) error {
		switch {
		case m == nil: // deleted before: as good
		case m.receipt() == e.ReceiptHandle:
			m.gone = true
		case q.fifo():
			return invalid("the receipt handle has expired")
		}
		return nil
	})
}

func (s *Server) hideBatch(_ context.Context, in *settleInput) (any, error) {
	return s.each(in, func(_ *queue, m *message, e *settleEntry, now time.Time) error {
		span := time.Duration(e.VisibilityTimeout) * time.Second
		switch {
		case m == nil:
			return invalid("message does not exist or is not available for visibility timeout change")
		case m.receipt() != e.ReceiptHandle || !m.visible.After(now):
			return refuse("MessageNotInflight", "the message is not in flight")
		case span < 0 || now.Add(span).After(m.received.Add(12*time.Hour)):
			return invalid("total VisibilityTimeout for the message is beyond the limit [43200 seconds]")
		}
		m.visible = now.Add(span)
		return nil
	})
}

// each does one thing for each entry of a batch. The message is nil if it was
// deleted.
func (s *Server) each(in *settleInput, do func(*queue, *message, *settleEntry, time.Time) error) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err == nil {
		err = entries(len(in.Entries), func(i int) string { return in.Entries[i].Id })
	}
	if err != nil {
		return nil, err
	}
	now := time.Now()
	live := map[string]*message{}
	for _, m := range q.live(now) {
		live[m.id] = m
	}
	out := results{Successful: []any{}, Failed: []failure{}}
	for i := range in.Entries {
		e := &in.Entries[i]
		id, _, good := strings.Cut(e.ReceiptHandle, "#")
		err := refuse("ReceiptHandleIsInvalid", "the input receipt handle is invalid")
		if good {
			err = do(q, live[id], e, now)
		}
		if err != nil {
			out.Failed = append(out.Failed, failed(e.Id, err))
			continue
		}
		out.Successful = append(out.Successful, map[string]string{"Id": e.Id})
	}
	q.tell()
	return out, nil
}
