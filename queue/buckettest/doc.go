// Package buckettest is the contract of [queue.Bucket] as a test suite: a
// Bucket is what passes it.
//
//	func TestConformance(t *testing.T) {
//		buckettest.Run(t, func(t *testing.T) queue.Bucket { return mybucket.New(…) })
//	}
//
// One file per verb; each case is one promise, with what breaks for a user when
// it isn't kept.
package buckettest
