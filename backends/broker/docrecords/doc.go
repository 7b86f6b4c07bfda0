// Package docrecords keeps a broker's records in a document store: any
// collection of gocloud.dev/docstore, one document per key.
//
//	key     the key, a string: the collection's key field
//	value   the record's bytes, at most backends.MaxRecord
//	writer  random, one per Put: a write that its client repeated is known by it
//	expire  Unix seconds, rounded up, for a store that deletes by itself; absent = never
//	early   nanoseconds by which the record goes before expire
//
// Writes are conditional on docstore's revision, so of many writers one wins.
// Each Put is one write and each Get one read; a Put that meets another's
// document reads it once more, to see whether it is its own, or has expired.
// A version carries the expiry of what it names: no read is needed to refuse a
// write over a record that has gone.
//
// DynamoDB has a package of its own, docrecords/dynamodb, and the process's
// memory has docrecords/memrecords; importing one registers its scheme with
// broker.RegisterRecords. This package compiles neither.
package docrecords
