package main

import "time"

// httpRows are about the endpoint: what it costs that somebody waits, and how soon all know.
// Clients are in another process; ours is what comes above a bare handler of net/http.
var httpRows = []row{
	{
		class: "http", metric: "bytes per waiting client", unit: bytesPerClient,
		sides: []side{
			{"bare stream", limit, func(n sizes) (sample, error) { return stage(bare).hold(n.clients) }},
			stage(watched(inMemory, 1, false)).measured("stream, one job, above bare"),
			stage(watched(inMemory, 0, false)).measured("stream, a job each, above bare"),
			stage(watched(inMemory, 0, true)).measured("long poll, a job each, above bare"),
			stage(watched(inOneFile, 0, false)).measured("stream, a job each, SQLite, above bare"),
		},
		goals: []goal{
			{"stream, one job, above bare", "", 8 << 10},
			{"stream, a job each, above bare", "", 8 << 10},
			{"long poll, a job each, above bare", "", 8 << 10},
			{"stream, a job each, SQLite, above bare", "", 8 << 10},
		},
	},
	{
		class: "http", metric: "until all clients know", unit: untilAll,
		sides: []side{
			{"bare stream", limit, func(n sizes) (sample, error) { return stage(bare).hold(n.clients) }},
			stage(watched(inMemory, 1, false)).reach("stream, one job"),
			stage(watched(inMemory, 0, false)).reach("stream, a job each"),
			stage(watched(inMemory, 1, true)).reach("long poll, one job"),
			stage(watched(inOneFile, 1, false)).reach("stream, one job, SQLite"),
			stage(watched(inOneFile, 0, false)).reach("stream, a job each, SQLite"),
		},
		goals: []goal{
			{"stream, one job", "", 1000},
			{"stream, a job each", "", 1000},
			{"long poll, one job", "", 1000},
			{"stream, one job, SQLite", "", 1000},
			{"stream, a job each, SQLite", "", 1000},
		},
	},
	{
		class: "http", metric: "POST p50", unit: p50,
		sides: []side{
			{"Enqueue, SQLite FULL", limit, func(n sizes) (sample, error) {
				return posts(n.alone, func(_, e time.Duration) time.Duration { return e })
			}},
			{"POST, SQLite FULL", ours, func(n sizes) (sample, error) {
				return posts(n.alone, func(p, _ time.Duration) time.Duration { return p })
			}},
			{"POST above Enqueue", ours, func(n sizes) (sample, error) {
				return posts(n.alone, func(p, e time.Duration) time.Duration { return p - e })
			}},
		},
		goals: []goal{{"POST above Enqueue", "", 1000}},
	},
}

var (
	bytesPerClient = unit{"bytes/client", bytesPerJob.of}
	untilAll       = unit{"ms", func(s sample) float64 { return float64(s.P50.Microseconds()) / 1e3 }}
)

func (s stage) measured(name string) side {
	return side{name, ours, func(n sizes) (sample, error) { return s.above(n.clients) }}
}

func (s stage) reach(name string) side {
	return side{name, ours, func(n sizes) (sample, error) { return s.hold(n.clients) }}
}
