package services

import (
	"fmt"
	"strconv"
	"testing"
)

// Dynalite starts an empty DynamoDB of the test's own, and returns its endpoint.
func Dynalite(t testing.TB) string {
	t.Helper()
	path, at := program(t, "LEAT_DYNALITE"), port(t)
	start(t, "listening", path, "--host", "127.0.0.1", "--port", strconv.Itoa(at), "--createTableMs", "0")
	return fmt.Sprintf("http://127.0.0.1:%d", at)
}
