// Package dynamodb keeps a broker's records in a table of Amazon DynamoDB.
// Importing it registers the scheme:
//
//	dynamodb://table?region=eu-central-1
//
//	partition_key  the table's key, a string; "key" if it isn't given
//	create=true    makes a missing table, for development: billed on demand, with
//	               time to live on the attribute "expire"
//	region, endpoint, profile, role, dualstack, fips, anonymous
//	               as in the URLs of gocloud.dev; else as the AWS SDK finds them
//
// Reads are strongly consistent whatever the caller says: the package opens the
// collection itself. A Put is one request (PutItem) and a Get one
// (BatchGetItem), but for what the SDK repeats, and for the read after a write
// that met another's. A right to use a table for records names DescribeTable,
// PutItem and BatchGetItem; create=true needs CreateTable and UpdateTimeToLive.
//
// Nothing is created silently: a table that is missing or has another key, a
// right that is missing, and credentials that have expired are a [*SetupError]
// that says what to do. Throttling is an error after the SDK's own retries.
package dynamodb
