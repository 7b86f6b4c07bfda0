package main

// What -queue may name: add a line here for every other backend.
import (
	_ "github.com/leat-go/leat/backends/memory" // memory://
	_ "github.com/leat-go/leat/backends/sqlite" // sqlite://
)
