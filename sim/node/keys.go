package node

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// clientKey returns the public half of the key that the nodes accept. It
// creates the key if the file is missing.
func clientKey(file string) (ssh.PublicKey, error) {
	signer, err := loadKey(file, newECDSA)
	if err != nil {
		return nil, err
	}
	return signer.PublicKey(), os.WriteFile(file+".pub", ssh.MarshalAuthorizedKey(signer.PublicKey()), 0o644)
}

// hostKeys returns a node's keys. Its RSA key signs with SHA-1 only, as
// OpenSSH 5.9 does.
func hostKeys(root string, withRSA bool) ([]ssh.Signer, error) {
	ec, err := loadKey(filepath.Join(root, "ssh_host_ecdsa_key"), newECDSA)
	if err != nil {
		return nil, err
	}
	if !withRSA {
		return []ssh.Signer{ec}, nil
	}
	r, err := loadKey(filepath.Join(root, "ssh_host_rsa_key"), func() (crypto.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })
	if err != nil {
		return nil, err
	}
	old, err := ssh.NewSignerWithAlgorithms(r.(ssh.AlgorithmSigner), []string{ssh.KeyAlgoRSA})
	return []ssh.Signer{ec, old}, err
}

func newECDSA() (crypto.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

func loadKey(file string, generate func() (crypto.PrivateKey, error)) (ssh.Signer, error) {
	text, err := os.ReadFile(file)
	if err == nil {
		return ssh.ParsePrivateKey(text)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key, err := generate()
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(key, "simulated node")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		return nil, err
	}
	return ssh.NewSignerFromKey(key)
}

// writeKnownHosts lists every node under its listening address and, for
// clients that use a bastion, under its own IP.
func (c *Cluster) writeKnownHosts() error {
	var b bytes.Buffer
	for ip, s := range c.servers {
		for _, key := range s.publicKeys() {
			fmt.Fprintln(&b, knownhosts.Line([]string{s.addr, ip}, key))
		}
	}
	return os.WriteFile(c.KnownHosts, b.Bytes(), 0o600)
}

// ChangeHostKey gives a node a new ECDSA host key that isn't in KnownHosts. A
// reinstalled node, or an attacker, looks like that.
func (c *Cluster) ChangeHostKey(ip string) error {
	file := filepath.Join(c.disk.path(ip), "ssh_host_ecdsa_key")
	if err := os.Remove(file); err != nil {
		return fmt.Errorf("changing the host key of %s: %w", ip, err)
	}
	keys, err := hostKeys(c.disk.path(ip), false)
	if err != nil {
		return fmt.Errorf("changing the host key of %s: %w", ip, err)
	}
	c.servers[ip].setKeys(keys)
	return nil
}
