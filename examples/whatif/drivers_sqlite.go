package main

// One file is a queue that outlives the program, and that programs share.
import _ "github.com/leat-go/leat/backends/sqlite" // sqlite:// for -queue
