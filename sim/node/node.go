// Package node simulates an ALS cluster for tests and the demo. Every node is
// a real SSH server on loopback that runs real commands with /bin/sh in a
// directory of its own. Its kato keeps its state in one file for the whole
// cluster. The package needs no root and no network, and leaves nothing
// outside its directory.
//
//	func TestMain(m *testing.M) {
//		node.Main() // this binary is also the nodes' kato
//		os.Exit(m.Run())
//	}
//
//	c, err := node.Start(node.Options{Dir: t.TempDir(), Profile: node.ALS13})
//	defer c.Close()
//	c.Fault("slow@10.0.0.10", "100ms:patch install")
//
// To add a command to kato, add an entry to the list at the top of its
// family's file (roles.go, patch.go, data.go, …): words, options as the usage
// shows them, the profiles that have it, and a method of kato. Print only
// through k.out, and change the state only through k.update.
//
// To add a fault, add a line in faults.go and check it with k.faults at the
// place of its effect.
package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Options describes the cluster to start. With only Dir set, it is the default
// cluster of ALS 1.3, as fast as possible.
type Options struct {
	Dir     string        // absolute; an existing cluster there continues with its state, keys and ports
	Profile string        // ALS10, ALS11 or ALS13; default ALS13
	Nodes   []Spec        // default Four()
	User    string        // the system user; default helion
	Fresh   bool          // the first user isn't set up, and the cluster is empty
	Version string        // as kato version prints it; the default is the profile's
	Shape   string        // of patch status: A, B or C; the default is the profile's
	Seed    int64         // for the content of exports
	Pace    time.Duration // how long one task of kato takes; 0 for tests, a second for people
	// ExportSize is the approximate size of an exported archive in bytes;
	// default 64 KiB.
	ExportSize int64
	// RSA gives every node an RSA host key besides the ECDSA one.
	RSA bool
}

// Cluster is a running cluster. Its methods are safe for concurrent use.
type Cluster struct {
	User         string // login user; root can log in too
	Core         string // the core node's IP
	KnownHosts   string // file with the nodes' host keys
	IdentityFile string // file with the key that they accept

	disk    disk
	servers map[string]*server
	end     context.CancelFunc

	mu     sync.Mutex
	closed bool
}

func (o *Options) defaults() error {
	if !filepath.IsAbs(o.Dir) {
		return fmt.Errorf("starting the simulated cluster: the directory %q is not absolute", o.Dir)
	}
	if o.Profile == "" {
		o.Profile = ALS13
	}
	g, ok := generationOf(o.Profile)
	if !ok {
		return fmt.Errorf("starting the simulated cluster: no profile is called %q; there are als10, als11, als13", o.Profile)
	}
	if len(o.Nodes) == 0 {
		o.Nodes = Four()
	}
	if o.User == "" {
		o.User = "helion"
	}
	if o.Version == "" {
		o.Version = g.version
	}
	if o.ExportSize == 0 {
		o.ExportSize = 64 << 10
	}
	return nil
}

// Start starts a cluster in a directory, which it creates if necessary.
func Start(o Options) (*Cluster, error) {
	if err := o.defaults(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("starting the simulated cluster: %w", err)
	}
	// The nodes print and compare real paths.
	dir, err := filepath.EvalSymlinks(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("starting the simulated cluster: %w", err)
	}
	c := &Cluster{
		User: o.User, KnownHosts: filepath.Join(dir, "known_hosts"), IdentityFile: filepath.Join(dir, "identity"),
		disk: disk{dir}, servers: map[string]*server{},
	}
	ctx, end := context.WithCancel(context.Background()) // until Close
	c.end = end
	if err := c.start(ctx, o); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the simulated cluster: %w", err), c.Close())
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context, o Options) error {
	if !c.disk.exists() {
		g, _ := generationOf(o.Profile)
		if err := c.disk.save(firstState(o, g)); err != nil {
			return err
		}
	}
	client, err := clientKey(c.IdentityFile)
	if err != nil {
		return err
	}
	s, err := c.disk.read()
	if err != nil {
		return err
	}
	c.Core = s.Core
	host := ownHost()
	for _, spec := range o.Nodes {
		if err := furnish(c.disk.path(spec.IP), s.User); err != nil {
			return err
		}
		keys, err := hostKeys(c.disk.path(spec.IP), o.RSA)
		if err != nil {
			return err
		}
		srv := newServer(ctx, spec, c.disk.path(spec.IP), s.User, client, keys, c.resolve)
		srv.host = host
		c.servers[spec.IP] = srv
		if err := srv.listen(s.Nodes[spec.IP].Addr); err != nil {
			return err
		}
	}
	err = c.disk.update(func(s *State) {
		for ip, srv := range c.servers {
			s.Nodes[ip].Addr = srv.addr
		}
	})
	if err != nil {
		return err
	}
	for name, value := range s.Faults {
		if err := c.applyFault(name, value); err != nil {
			return err
		}
	}
	return c.writeKnownHosts()
}

// Addr returns the host:port of a node's SSH server.
func (c *Cluster) Addr(ip string) string { return c.servers[ip].addr }

// Addresses maps the IP of every node, as kato names it, to its Addr.
func (c *Cluster) Addresses() map[string]string {
	all := map[string]string{}
	for ip, s := range c.servers {
		all[ip] = s.addr
	}
	return all
}

// resolve returns the node at an address: a node's IP with any port, or a
// node's listening address.
func (c *Cluster) resolve(host, port string) (string, bool) {
	if s, ok := c.servers[host]; ok {
		return s.addr, true
	}
	for _, s := range c.servers {
		if s.addr == host+":"+port {
			return s.addr, true
		}
	}
	return "", false
}

// Home returns the real path of the system user's home on a node.
func (c *Cluster) Home(ip string) string { return filepath.Join(c.disk.path(ip), "home") }

// Path returns the real path for an absolute path of a node, such as /mnt/nas.
// The node's own commands see the real path too, because they are real.
func (c *Cluster) Path(ip, path string) string { return nodePath(c.disk.path(ip), c.User, path) }

func nodePath(root, user, path string) string {
	for from, to := range map[string]string{"/home/" + user: "home", "/s": "home/helion"} {
		if path == from || strings.HasPrefix(path, from+"/") {
			return filepath.Join(root, to, strings.TrimPrefix(path, from))
		}
	}
	return filepath.Join(root, path)
}

// Close ends the servers and every process on the nodes. The directory stays.
func (c *Cluster) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	for _, s := range c.servers {
		s.stop()
	}
	c.end()
	err := reap(c.disk.dir)
	for _, s := range c.servers {
		s.work.Wait()
	}
	return err
}
