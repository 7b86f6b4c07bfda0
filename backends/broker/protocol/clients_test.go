package protocol

import "time"

// wish is something that a client wants done. It outlives the client's process: a restarted one repeats what was not acknowledged.
type wish struct {
	at    instant
	job   job
	begun bool
	done  bool // acknowledged, or given up
}

// produce enqueues each wish until it is acknowledged. After an error or a crash it may give up: then nothing was promised.
func produce(wishes []*wish) func(*process) {
	return func(p *process) {
		for _, x := range wishes {
			p.pauseUntil(max(p.now, x.at))
			if x.begun && p.chance(0.2) {
				x.done = true
			}
			for x.begun = true; !x.done; {
				err := p.try(func() { p.enqueue(x.job, payloadAt(x.at)) })
				if err == nil {
					x.done = true
					p.history.acknowledged(p, x.job.id)
				} else if err == errKeyReused || p.chance(0.15) {
					x.done = true
				} else {
					p.pause(p.between(time.Second/2, 20*time.Second))
				}
			}
		}
	}
}

// split makes a batch: the collation, its members, the seal. Whatever happens, it begins again until it is through.
func split(batch job, members []job) func(*process) {
	return func(p *process) {
		p.insist(func() { p.enqueue(batch, 1) })
		for _, m := range members {
			p.insist(func() { p.enqueue(m, 1) })
			p.history.acknowledged(p, m.id)
		}
		p.insist(func() { p.seal(batch.id, len(members)) })
		p.history.acknowledged(p, batch.id)
	}
}

// insist repeats a step until it succeeds.
func (p *process) insist(step func()) {
	for p.try(step) != nil {
		p.pause(p.between(time.Second/2, 20*time.Second))
	}
}

// intrude sends messages that know nothing of us.
func intrude(tenant string, n int) func(*process) {
	return func(p *process) {
		for ; n > 0; n-- {
			p.pause(p.between(0, time.Minute))
			p.insist(func() {
				p.call("send foreign", "", func() {
					id := dedupID{id: "foreign", send: n}
					if mid := p.broker.send(message{job: job{tenant: tenant}, payload: 1}, tenant, id, 0); mid != 0 {
						p.history.intruded(mid)
					}
				})
			})
		}
	}
}

// annul cancels some of these jobs.
func annul(wishes []*wish) func(*process) {
	return func(p *process) {
		for _, x := range wishes {
			p.pauseUntil(max(p.now, x.at+p.between(0, time.Minute)))
			p.insist(func() { p.cancel(x.job.id) })
		}
	}
}

// operator lists dead and cancelled jobs now and then and redrives some. What it began it repeats after a crash.
type operator struct{ pending []life }

func (o *operator) run(p *process) {
	for {
		for len(o.pending) > 0 {
			l := o.pending[0]
			ready := true
			p.insist(func() { ready = p.redrive(l.id, l.generation) })
			if ready {
				p.history.redriven(l)
			}
			o.pending = o.pending[1:]
		}
		if p.now > calm {
			return
		}
		p.pause(p.between(10*time.Second, 40*time.Second))
		for _, l := range p.history.deadLetters() {
			if p.chance(0.5) {
				o.pending = append(o.pending, l)
			}
		}
	}
}
