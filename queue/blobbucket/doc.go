// Package blobbucket is a [queue.Bucket] on any bucket of gocloud.dev/blob: S3,
// Google Cloud Storage, Azure Blob Storage, memory.
//
//	queue.Queue.Bucket ─▶ blobbucket.Bucket ─▶ *blob.Bucket ─▶ s3blob │ gcsblob │ azureblob │ memblob
//	  Write                 Upload, only if there is none
//	  Open                  NewReader; absent, or the whole bucket out of reach?
//
// The program opens the blob.Bucket, with the driver, credentials and key prefix
// (blob.PrefixedBucket) that it likes, and closes it:
//
//	bucket, err := blob.OpenBucket(ctx, "s3://payloads?region=eu-central-1") // and a blank import of s3blob
//	…
//	defer bucket.Close()
//	q.Bucket = blobbucket.New(bucket)
//
// # Guarantees
//
// Those of the store: on S3, GCS and Azure an object is durable when Write
// returns, visible at once and whole, and of many writers of a key one wins by the
// store's own conditional write. memblob does the same for one process.
//
// A request that the SDK repeats because its reply was lost finds its own object:
// then Write says that the key exists.
//
// # What drivers can't do
//
// A driver that knows no condition "only if there is none" must refuse Write, and
// then the error's gcerrors.Code is Unimplemented; all of gocloud.dev v0.47.0 know
// it. fileblob's is a look and a rename, two writers may both win: use package
// filebucket for folders. Its listing also goes folder by folder, not in the
// order of keys.
//
// # Rights
//
// A producer needs to create, and to get, which tells an existing key from other
// refusals; a worker and a reader to get, a sweeper to list and delete. Open lists one key when it finds nothing: a store says "not found" as
// well of a bucket that isn't there, and GCS says it of a missing right. Taken for
// a payload that has gone, that would end every large job as a dead letter. So
// readers without the right to list see an error that is worth another try
// instead of fs.ErrNotExist.
package blobbucket
