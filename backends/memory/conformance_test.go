package memory_test

import (
	"testing"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/memory"
)

func TestConformance(t *testing.T) {
	backendtest.Run(t, backendtest.Harness{
		Open:    func(*testing.T) backends.Backend { return memory.New(memory.Options{}) },
		Virtual: true,
	})
}
