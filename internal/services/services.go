// Package services finds the servers that tests talk to, and the programs that they
// run. Where one can't be had, the test is skipped, and says how to get it; with
// LEAT_SERVICES=required, as in CI, it fails instead.
//
//	LEAT_FAUXQS    SQS and SNS    npm's fauxqs, as http://host:port
//	LEAT_DYNALITE  DynamoDB       npm's dynalite, as http://host:port
//	LEAT_RABBIT    RabbitMQ       as amqp://user:password@host:port/
//	LEAT_MARIADB   MariaDB        as mysql://user:password@host:port/, of a user who may make others
//
// `.ci/services FOLDER` starts them all; `. FOLDER/env` says where they are.
package services

import (
	"os"
	"testing"
)

// URL is where a server is, by the name of the environment that says so, or the
// test ends here.
func URL(t testing.TB, env string) string {
	t.Helper()
	if at := os.Getenv(env); at != "" {
		return at
	}
	const missing = "%s names no server: `.ci/services FOLDER` starts one, `. FOLDER/env` says where"
	if os.Getenv("LEAT_SERVICES") == "required" {
		t.Fatalf(missing, env)
	}
	t.Skipf(missing, env)
	return ""
}
