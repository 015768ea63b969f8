package faults

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// front serves a workspace over HTTPS, as Slack does.
type front struct {
	t       *testing.T
	addr    string
	root    string // the file with the certificate that the bot trusts
	good    tls.Certificate
	forward http.Handler
	server  *http.Server
	done    chan error
}

func newFront(t *testing.T) *front {
	t.Helper()
	f := &front{t: t, addr: freeAddr(t), root: filepath.Join(tempDir(t), "root.pem")}
	f.good = f.certificate(time.Hour)
	block := &pem.Block{Type: "CERTIFICATE", Bytes: f.good.Certificate[0]}
	must(t, os.WriteFile(f.root, pem.EncodeToMemory(block), 0o600))
	return f
}

var apiURL = regexp.MustCompile(`api_url: http://[^/]+/`)

// yaml makes a config use the front.
func (f *front) yaml(config string) string {
	return apiURL.ReplaceAllString(config, "api_url: https://"+f.addr+"/")
}

// certificate returns a certificate for the front's own address.
func (f *front) certificate(left time.Duration) tls.Certificate {
	host, _, err := net.SplitHostPort(f.addr)
	must(f.t, err)
	return certificate(f.t, host, left)
}

// certificate returns a self-signed certificate for one address that expires
// after left.
func certificate(t *testing.T, address string, left time.Duration) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	now := time.Now()
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), NotBefore: now.Add(-2 * time.Hour), NotAfter: now.Add(left),
		IPAddresses: []net.IP{net.ParseIP(address)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	must(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// open lets the bot through to the workspace from now on.
func (f *front) open(to string) {
	f.t.Helper()
	workspace, err := url.Parse(to)
	must(f.t, err)
	proxy := httputil.NewSingleHostReverseProxy(workspace)
	proxy.ModifyResponse = func(resp *http.Response) error { // upload URLs are Slack's too
		b, err := io.ReadAll(resp.Body)
		b = bytes.ReplaceAll(b, []byte(to), []byte("https://"+f.addr))
		resp.Body = io.NopCloser(bytes.NewReader(b))
		resp.ContentLength = int64(len(b))
		resp.Header.Set("Content-Length", strconv.Itoa(len(b)))
		return err
	}
	f.forward = proxy
	f.serve(&f.good)
	f.t.Cleanup(func() { f.close() })
}

// serve listens with a certificate; without one it speaks no TLS.
func (f *front) serve(cert *tls.Certificate) {
	f.t.Helper()
	l, err := net.Listen("tcp", f.addr)
	// a process that is just starting holds all our files for a moment
	for until := time.Now().Add(patience); err != nil && time.Now().Before(until); l, err = net.Listen("tcp", f.addr) {
		time.Sleep(10 * time.Millisecond)
	}
	must(f.t, err)
	if cert != nil {
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{*cert}, MinVersion: tls.VersionTLS12})
	}
	f.server = &http.Server{Handler: f.forward, ReadHeaderTimeout: patience, ErrorLog: log.New(io.Discard, "", 0)}
	f.done = make(chan error, 1)
	go func(s *http.Server, done chan error) { done <- s.Serve(l) }(f.server, f.done)
}

// close refuses connections. It answers requests in progress: a lost answer is
// another fault.
func (f *front) close() {
	if f.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), allowed(2*time.Second))
		defer cancel()
		_ = f.server.Shutdown(ctx) // the next line ends what is left
		_ = f.server.Close()
		<-f.done
		f.server = nil
	}
}

func (f *front) troubles(span time.Duration) []apiTrouble {
	with := func(cert tls.Certificate) func(*testbed) {
		return func(*testbed) {
			f.close()
			f.serve(&cert)
		}
	}
	heal := func(*testbed) {
		time.Sleep(span)
		f.close()
		f.serve(&f.good)
	}
	expired := f.certificate(-time.Hour)
	return []apiTrouble{
		{name: "connections refused", begin: func(*testbed) { f.close() }, end: heal, brief: true},
		{name: "connections refused under updates", begin: func(*testbed) { f.close() }, end: heal, after: true},
		{name: "a certificate that nobody knows", begin: with(f.certificate(time.Hour)), end: heal, brief: true},
		{name: "a certificate for another host", begin: with(certificate(f.t, "192.0.2.1", time.Hour)), end: heal, after: true},
		{name: "a certificate that is over", begin: with(expired), end: heal, after: true},
		{name: "no TLS", begin: func(*testbed) { f.close(); f.serve(nil) }, end: heal, after: true},
	}
}
