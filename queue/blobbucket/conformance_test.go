package blobbucket_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"gocloud.dev/blob"
	"gocloud.dev/blob/memblob"
	"gocloud.dev/blob/s3blob"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/queue/blobbucket"
	"github.com/leat-go/leat/queue/buckettest"
)

func TestConformanceInMemory(t *testing.T) {
	buckettest.Run(t, func(t *testing.T) queue.Bucket {
		return blobbucket.New(closed(t, memblob.OpenBucket(nil)))
	})
}

func TestConformanceOnS3(t *testing.T) {
	client, bucket := fakeS3(t)
	buckettest.Run(t, func(t *testing.T) queue.Bucket {
		b := openS3(t, client, bucket)
		// Each case has a prefix of its own, as a queue may have in a shared bucket.
		return blobbucket.New(closed(t, blob.PrefixedBucket(b, t.Name()+"/")))
	})
}

// fakeS3 is a server with one bucket, and a client of it.
func fakeS3(t *testing.T) (client *s3.Client, bucket string) {
	server := httptest.NewServer(gofakes3.New(s3mem.New()).Server())
	t.Cleanup(server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client = s3.New(s3.Options{
		BaseEndpoint: aws.String(server.URL), UsePathStyle: true, Region: "eu-central-1",
		HTTPClient: &http.Client{Transport: transport},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "secret"}, nil
		}),
	})
	bucket = "payloads"
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
	return client, bucket
}

func openS3(t *testing.T, client *s3.Client, bucket string) *blob.Bucket {
	b, err := s3blob.OpenBucket(t.Context(), client, bucket, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// closed closes b at the end of the test.
func closed(t *testing.T, b *blob.Bucket) *blob.Bucket {
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}
