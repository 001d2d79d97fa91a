package spec

import (
	"errors"
	"fmt"
	"net"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// S3 is where archives go beside the directory.
type S3 struct {
	Endpoint    string // host, or host:port
	Bucket      string
	Prefix      string // without slashes at its ends; "" for none
	Region      string
	Insecure    bool   // plain HTTP
	Credentials string // absolute path on the operator's machine, "" where the cluster was read from somewhere else
	CA          string // absolute path on the operator's machine of the server's authority, "" for the system's
}

const defaultRegion = "us-east-1" // what servers take that have none

func (d *draft) readS3(s section) *S3 {
	out := &S3{Region: defaultRegion}
	if text, ok := s.str("endpoint"); ok {
		if err := checkS3Endpoint(text); err != nil {
			d.errorf(s.at("endpoint"), "Bad endpoint", "%s.", err)
		}
		out.Endpoint = text
	}
	if text, ok := s.str("bucket"); ok {
		if !regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`).MatchString(text) {
			d.errorf(s.at("bucket"), "Bad bucket", "%q is not the name of a bucket: expected 3 to 63 lower-case letters, digits, - and .", text)
		}
		out.Bucket = text
	}
	if text, ok := s.str("prefix"); ok {
		out.Prefix = strings.Trim(text, "/")
		if !regexp.MustCompile(`^[A-Za-z0-9!_.*'()/-]*$`).MatchString(text) || path.Clean("/"+out.Prefix) != "/"+out.Prefix && out.Prefix != "" {
			d.errorf(s.at("prefix"), "Bad prefix", "%q is no prefix for keys: expected names of letters, digits, - _ and . with slashes between, such as clusters/prod.", text)
		}
	}
	if text, ok := s.str("region"); ok {
		if !regexp.MustCompile(`^[a-z0-9-]{1,64}$`).MatchString(text) {
			d.errorf(s.at("region"), "Bad region", "%q is not the name of a region, such as %s.", text, defaultRegion)
		}
		out.Region = text
	}
	out.Insecure, _ = s.boolean("insecure")
	out.Credentials, _ = s.file("credentials", "credentials file", s3Credentials)
	if !s.has("credentials") && !d.opts.NoSSH { // a machine has its own
		d.errorf(s.head(), `Missing attribute "credentials"`, "An s3 block must set credentials: the path of a file, mode 0600, in the form of AWS's shared credentials.")
	}
	out.CA, _ = s.file("ca", "certificate", certificateFile)
	return out
}

func checkS3Endpoint(text string) error {
	if strings.Contains(text, "://") || strings.Contains(text, "/") {
		return fmt.Errorf("%q is a URL: expected a host, with a port if it is not the usual, such as s3.example.com or 10.0.0.5:9000; insecure = true is for plain HTTP", text)
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		host, port = strings.Trim(text, "[]"), "443"
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 || !validHost(host) {
		return fmt.Errorf("%q is neither HOST nor HOST:PORT, such as s3.example.com or 10.0.0.5:9000", text)
	}
	return nil
}

// s3Credentials refuses what is no file of AWS's shared credentials. It never quotes it.
func s3Credentials(path string) error {
	text, err := secretFile(path)
	if err != nil {
		return err
	}
	for _, key := range []string{"aws_access_key_id", "aws_secret_access_key"} {
		if !regexp.MustCompile(`(?m)^\s*` + key + `\s*=\s*\S+`).Match(text) {
			return fmt.Errorf("it sets no %s. Expected lines as in AWS's shared credentials: [default], aws_access_key_id = …, aws_secret_access_key = …", key)
		}
	}
	return nil
}

func certificateFile(path string) error {
	text, err := readLimited(path)
	if err != nil {
		return errors.New(reason(err))
	}
	if !strings.Contains(string(text), "-----BEGIN CERTIFICATE-----") {
		return errors.New("this holds no certificate in PEM form")
	}
	return nil
}
