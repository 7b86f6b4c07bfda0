package broker

// Remembered is how many leases the process remembers.
func (b *Backend) Remembered() int {
	b.leases.mu.Lock()
	defer b.leases.mu.Unlock()
	return len(b.leases.all)
}
