package main

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/leat-go/leat/backends"
	_ "github.com/leat-go/leat/backends/sqlite" // the scheme
)

// deepClaims holds the worst claims of the backend itself, in one queue, against
// those of another: what a claim costs must not depend on how much else waits.
func deepClaims(metric string, variants ...claimVariant) row {
	r := row{class: "sqlite", metric: metric, unit: p99}
	for i, v := range variants {
		r.sides = append(r.sides, side{v.name + ", FULL", ours, func(n sizes) (sample, error) {
			s := scene{open: backendOnFile, policy: kept, tenants: v.tenants, leases: []time.Duration{time.Hour}, setBy: 1000}
			s.backlog = v.backlog(n)
			return s.claimTail(n.claims)
		}})
		if i > 0 {
			r.goals = append(r.goals, goal{r.sides[i].name, r.sides[0].name, 0.5})
		}
	}
	return r
}

// claimVariant is what waits.
type claimVariant struct {
	name    string
	tenants int
	backlog func(sizes) int
}

// backendOnFile is a backend on a new file, which goes with it.
func backendOnFile() (backends.Backend, error) {
	dir, err := newFolder()
	if err != nil {
		return nil, err
	}
	b, err := backends.Open(context.Background(), leatURL(filepath.Join(dir, "jobs.db")))
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return &passing{b, dir}, nil
}

// passing takes its folder along.
type passing struct {
	backends.Backend
	dir string
}

func (p *passing) Unwrap() backends.Backend { return p.Backend }

func (p *passing) Close() error {
	err := p.Backend.Close()
	if removeErr := os.RemoveAll(p.dir); err == nil {
		err = removeErr
	}
	return err
}
