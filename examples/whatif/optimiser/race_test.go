//go:build race

package optimiser

func init() { racing = true }
