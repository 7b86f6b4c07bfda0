package rabbit

// Queues are the names of the queue and those beside it, for tests.
func Queues(o Options) []string {
	names := []string{o.Name}
	for _, d := range delays {
		names = append(names, o.exchange()+"."+d.String())
	}
	return names
}
