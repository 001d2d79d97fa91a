package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/internal/scratch"
	"github.com/slipway/slipway/internal/store"
)

// objectFlags say how an object store is reached, for verbs that take s3://BUCKET/… where others take a path.
type objectFlags struct {
	endpoint, region, credentials, ca string
	insecure                          bool
}

func (f *objectFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.endpoint, "s3-endpoint", "s3.amazonaws.com", "host of the object store, with its port if that is not the usual")
	flags.StringVar(&f.credentials, "s3-credentials", "", "file with the object store's credentials, mode 0600, in the form of AWS's shared credentials")
	flags.StringVar(&f.region, "s3-region", "us-east-1", "region of the object store")
	flags.StringVar(&f.ca, "s3-ca", "", "file with the authority (PEM) of the object store's certificate; the system's unless given")
	flags.BoolVar(&f.insecure, "s3-insecure", false, "reach the object store by plain HTTP")
	_ = cmd.MarkFlagFilename("s3-credentials") // fails only for a flag that does not exist
}

// bucket is the store that s3://BUCKET/PREFIX names; ok is false for any other place.
func (f *objectFlags) bucket(place string) (s store.Store, ok bool, err error) {
	b, ok, err := store.ParseBucket(place)
	if err != nil || !ok {
		return nil, ok, wrongFlags(err)
	}
	if f.credentials == "" {
		return nil, true, wrongFlags(fmt.Errorf("%s: name the file with the object store's credentials: --s3-credentials FILE", place))
	}
	info, err := os.Stat(f.credentials)
	if err != nil {
		return nil, true, wrongFlags(fmt.Errorf("--s3-credentials: %w", err))
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, true, wrongFlags(fmt.Errorf("--s3-credentials: the mode of %s is %04o, so others than you may read it: chmod 600 %s", f.credentials, mode, f.credentials))
	}
	b.Endpoint, b.Region, b.Insecure = f.endpoint, f.region, f.insecure
	if f.ca != "" {
		if b.CA, err = os.ReadFile(f.ca); err != nil {
			return nil, true, wrongFlags(fmt.Errorf("--s3-ca: %w", err))
		}
	}
	s, err = store.S3(b, f.credentials)
	return s, true, wrongFlags(err)
}

func wrongFlags(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{exitSpec, err}
}

// fetched is the file at a path, or a copy of the object at s3://BUCKET/KEY in a folder that only this user can look into; done deletes the copy.
func (f *objectFlags) fetched(ctx context.Context, place, temp string) (file string, done func() error, err error) {
	nothing := func() error { return nil }
	b, ok, err := store.ParseBucket(place)
	if err != nil || !ok {
		return place, nothing, wrongFlags(err)
	}
	name := path.Base(b.Prefix)
	if b.Prefix == "" {
		return "", nothing, wrongFlags(fmt.Errorf("%s names a bucket and no archive in it: expected s3://BUCKET/KEY; slipway etcd backups %s lists them", place, place))
	}
	folder := ""
	if dir := path.Dir(b.Prefix); dir != "." {
		folder = "/" + dir
	}
	s, _, err := f.bucket("s3://" + b.Name + folder)
	if err != nil {
		return "", nothing, err
	}
	if temp == "" {
		temp = os.TempDir()
	}
	dir, err := scratch.New(temp, "slipway-fetch-")
	if err != nil {
		return "", nothing, err
	}
	file = dir.Path(filepath.Base(name))
	if err := store.Fetch(ctx, s, name, file); err != nil {
		err = errors.Join(err, dir.Remove())
		if errors.Is(err, os.ErrNotExist) {
			err = wrongFlags(err)
		}
		return "", nothing, err
	}
	return file, dir.Remove, nil
}
