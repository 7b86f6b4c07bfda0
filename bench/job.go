package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"

	"github.com/leat-go/leat/backends"
)

// args is the job that every side carries, about 210 bytes as JSON.
type args struct {
	Partner      string
	SKU          string
	ServiceLevel float64
	LeadTimes    []int
	Note         string
}

func newArgs() args {
	return args{
		Partner: "zeta", SKU: newID()[:8], ServiceLevel: 0.975, LeadTimes: []int{3, 5, 8, 13, 21},
		Note: "what if we ordered twice as often, at half the quantity and kept the safety stock of all the slow movers in one place?",
	}
}

// encode makes a payload that no other job shares.
func encode() []byte {
	b, err := json.Marshal(newArgs())
	if err != nil {
		panic(err) // of plain fields
	}
	return b
}

// decode is what a handler does first.
func decode(payload []byte) error {
	var a args
	return json.Unmarshal(payload, &a)
}

var template = encode()

// newPayload is a fresh slice: the copy that every side makes.
func newPayload() []byte { return bytes.Clone(template) }

// newID looks like a UUID; math/rand, so that its price doesn't hide the store's.
func newID() string {
	var raw [18]byte
	for i := 0; i < len(raw); i += 6 {
		r := rand.Uint64()
		for k := range 6 {
			raw[i+k] = byte(r >> (8 * k))
		}
	}
	return hex.EncodeToString(raw[:])
}

func newJob(tenant string) backends.Job {
	return backends.Job{
		Ref:     backends.Ref{Tenant: tenant, ID: newID()},
		Kind:    "optimise",
		Payload: newPayload(),
	}
}

// newJobs go round so many tenants.
func newJobs(n, tenants int) []backends.Job {
	names := tenantNames(tenants)
	jobs := make([]backends.Job, n)
	for i := range jobs {
		jobs[i] = newJob(names[i%tenants])
	}
	return jobs
}

func tenantNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("tenant-%d", i)
	}
	return names
}
