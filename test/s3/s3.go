// Package s3 exists for its go.mod, which pins an S3 server for tests.
package s3
