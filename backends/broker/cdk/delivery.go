package cdk

import (
	"maps"

	"gocloud.dev/pubsub"

	"github.com/leat-go/leat/backends/broker"
)

// idKey is the metadata that names a message: random, once for each Send. A
// driver's own id is not the same at every delivery everywhere.
const idKey = "leat-message"

// delivery is a message as the Backend sees it.
func (h *Hooks) delivery(of *holding, m *pubsub.Message) *broker.Delivery {
	d := &broker.Delivery{ID: m.Metadata[idKey], Body: m.Body, Handle: of}
	if d.Headers = maps.Clone(m.Metadata); d.Headers != nil { // the driver may hand out the map again
		delete(d.Headers, idKey)
	}
	switch {
	case d.ID != "":
	case h.ID != nil:
		d.ID = h.ID(m)
	default:
		d.ID = m.LoggableID
	}
	if h.Receives != nil {
		d.Receives = h.Receives(m) + of.again
	}
	if h.Sent != nil {
		d.Sent = h.Sent(m)
	}
	return d
}
