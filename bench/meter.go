package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"syscall"
	"time"
)

// sample is one measurement. CPU time is of the whole process, user and system,
// collector included, and is steadier than the wall on a busy machine.
type sample struct {
	Jobs  int
	Wall  time.Duration
	CPU   time.Duration
	P50   time.Duration `json:",omitempty"`
	P99   time.Duration `json:",omitempty"`
	Bytes int64         `json:",omitempty"`
}

// meter times the parts of a run that count.
type meter struct {
	sample
	wall time.Time
	cpu  time.Duration
}

var (
	timed   = pprof.WithLabels(context.Background(), pprof.Labels("phase", "timed"))
	untimed = context.Background()
)

func (m *meter) start() {
	pprof.SetGoroutineLabels(timed)
	m.wall, m.cpu = time.Now(), cpuTime()
}

func (m *meter) stop(jobs int) {
	m.Wall += time.Since(m.wall)
	m.CPU += cpuTime() - m.cpu
	m.Jobs += jobs
	pprof.SetGoroutineLabels(untimed)
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // only for a bad argument
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// settleHeap collects what the side before left. Twice, because finalizers and
// pools give up their things only at the second time.
func settleHeap() {
	runtime.GC()
	runtime.GC()
}

// withoutGC holds the collector back: whether one of its rare, long runs falls
// into a short window would decide the figure. It starts with a clean heap.
func withoutGC() (back func()) {
	settleHeap()
	percent := debug.SetGCPercent(-1)
	return func() { debug.SetGCPercent(percent) }
}

// heldBy returns the bytes that stay allocated, stacks included, by what fill
// leaves behind and keep still refers to.
func heldBy(fill func() (keep any, err error)) (int64, error) {
	before := heap()
	keep, err := fill()
	held := heap() - before
	runtime.KeepAlive(keep)
	return held, err
}

func heap() int64 {
	settleHeap()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// middle is the median latency.
func middle(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
