package cdk

import (
	"maps"

	"github.com/leat-go/leat/backends/broker"
)

// idKey is the metadata that names a message: random, once for each Send. A
// driver's own id is not the same at every delivery everywhere.
const idKey = "leat-message"

// delivery is the message as the Backend sees it.
func (h *holding) delivery() *broker.Delivery {
	hooks := h.r.hooks
	d := &broker.Delivery{ID: h.m.Metadata[idKey], Body: h.m.Body, Handle: h}
	if d.Headers = maps.Clone(h.m.Metadata); d.Headers != nil { // the driver may hand out the map again
		delete(d.Headers, idKey)
	}
	switch {
	case d.ID != "":
	case hooks.ID != nil:
		d.ID = hooks.ID(h.m)
	default:
		d.ID = h.m.LoggableID
	}
	if hooks.Receives != nil {
		d.Receives = hooks.Receives(h.m) + h.again
	}
	if hooks.Sent != nil {
		d.Sent = hooks.Sent(h.m)
	}
	return d
}
