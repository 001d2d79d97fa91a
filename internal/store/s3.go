package store

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// Bucket is where in an object store archives go, and how it is reached. Nothing in it is secret.
type Bucket struct {
	Endpoint string `json:"endpoint"` // host, or host:port
	Name     string `json:"bucket"`
	Prefix   string `json:"prefix,omitempty"` // without slashes at its ends
	Region   string `json:"region"`
	Insecure bool   `json:"insecure,omitempty"` // plain HTTP
	CA       []byte `json:"ca,omitempty"`       // PEM; nil for the system's authorities
}

// ParseBucket reads s3://BUCKET or s3://BUCKET/PREFIX; ok is false for anything that does not begin so.
func ParseBucket(text string) (b Bucket, ok bool, err error) {
	rest, ok := strings.CutPrefix(text, "s3://")
	if !ok {
		return b, false, nil
	}
	b.Name, b.Prefix, _ = strings.Cut(rest, "/")
	b.Prefix = strings.Trim(b.Prefix, "/")
	if b.Name == "" {
		return b, true, fmt.Errorf("%q names no bucket: expected s3://BUCKET/PREFIX", text)
	}
	return b, true, nil
}

// largestPut is the most that S3 takes in one request. What is sent so is there at once or not at all, and nothing is left of a
// request that was cut off; what is larger goes in parts.
const largestPut = 5 << 30

type s3 struct {
	Bucket
	client *minio.Client
}

// S3 prepares a store in a bucket, with the credentials in the file at path, in the form of AWS's shared credentials. It asks
// nothing of the server yet.
func S3(b Bucket, path string) (Store, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("credentials of %s: %w", s3{Bucket: b}.Path(""), err)
	}
	keys := credentials.NewFileAWSCredentials(path, "default")
	if v, err := keys.GetWithContext(nil); err != nil || v.AccessKeyID == "" || v.SecretAccessKey == "" { // the error may quote the file
		return nil, fmt.Errorf("credentials of %s: %s is not in the form of AWS's shared credentials: expected [default], aws_access_key_id = … and aws_secret_access_key = …", s3{Bucket: b}.Path(""), path)
	}
	transport, err := minio.DefaultTransport(!b.Insecure)
	if err != nil {
		return nil, err
	}
	if b.CA != nil {
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(b.CA) {
			return nil, errors.New("the authority of the object store: no certificate in PEM form")
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	client, err := minio.New(b.Endpoint, &minio.Options{Creds: keys, Secure: !b.Insecure, Transport: transport, Region: b.Region, MaxRetries: 4})
	if err != nil {
		return nil, fmt.Errorf("object store %s: %w", b.Endpoint, err)
	}
	return s3{b, client}, nil
}

func (s s3) Path(name string) string { return "s3://" + s.Name + "/" + s.key(name) }

func (s s3) key(name string) string {
	if s.Prefix == "" {
		return name
	}
	return s.Prefix + "/" + name
}

func (s s3) Put(ctx context.Context, name, path string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if _, err := s.client.StatObject(ctx, s.Name, s.key(name), minio.StatObjectOptions{}); err == nil {
		return isThere(s, name)
	} else if err = s.told(name, err); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	how := minio.PutObjectOptions{ContentType: "application/x-tar", DisableMultipart: info.Size() <= largestPut}
	how.SetMatchETagExcept("*") // servers that know it refuse what somebody else has put there meanwhile
	put, err := s.client.PutObject(ctx, s.Name, s.key(name), f, info.Size(), how)
	if err != nil {
		return s.told(name, err)
	}
	if put.Size != info.Size() {
		return fmt.Errorf("write %s: %d of %d bytes", s.Path(name), put.Size, info.Size())
	}
	return nil
}

func (s s3) List(ctx context.Context) ([]Entry, error) {
	prefix := s.key("")
	ctx, cancel := context.WithCancel(ctx) // ends the listing where it is left early
	defer cancel()
	var out []Entry
	for o := range s.client.ListObjects(ctx, s.Name, minio.ListObjectsOptions{Prefix: prefix}) {
		if o.Err != nil {
			return nil, s.told("", o.Err)
		}
		if name := strings.TrimPrefix(o.Key, prefix); plain(name) {
			out = append(out, Entry{name, o.Size, o.LastModified})
		}
	}
	slices.SortFunc(out, func(a, b Entry) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

func (s s3) Read(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	var how minio.GetObjectOptions
	var err error
	switch {
	case length == 0:
		return http.NoBody, nil
	case length > 0:
		err = how.SetRange(offset, offset+length-1)
	case offset > 0:
		err = how.SetRange(offset, 0) // to the end
	}
	if err != nil {
		return nil, err
	}
	// Unlike GetObject, one request and its answer: GetObject makes its own when it is read.
	body, _, _, err := minio.Core{Client: s.client}.GetObject(ctx, s.Name, s.key(name), how)
	if err != nil {
		return nil, s.told(name, err)
	}
	return body, nil
}

func (s s3) Delete(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	// S3 deletes what is not there without a word.
	if _, err := s.client.StatObject(ctx, s.Name, s.key(name), minio.StatObjectOptions{}); err != nil {
		return s.told(name, err)
	}
	return s.told(name, s.client.RemoveObject(ctx, s.Name, s.key(name), minio.RemoveObjectOptions{}))
}

// told is err as the errors of a Store are, with what it is about.
func (s s3) told(name string, err error) error {
	if err == nil {
		return nil
	}
	switch answer := minio.ToErrorResponse(err); {
	case answer.Code == minio.NoSuchKey || name != "" && answer.Code != minio.NoSuchBucket && answer.StatusCode == http.StatusNotFound:
		return notThere(s, name)
	case answer.Code == minio.PreconditionFailed || answer.StatusCode == http.StatusPreconditionFailed:
		return isThere(s, name)
	case name != "" && answer.StatusCode == http.StatusForbidden:
		err = fmt.Errorf("%w: %s: %w", fs.ErrPermission, cmp.Or(answer.Code, answer.Message), err)
	}
	return fmt.Errorf("object store %s: %s: %w", s.Endpoint, s.Path(name), err)
}
