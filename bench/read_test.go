package bench_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"alsbot/sim/node"
	"alsbot/sim/scene"
)

// standIn replaces kato with a shell script, so the benchmark measures the way
// to the node and back, not the simulator.
func standIn(b *testing.B, script string) func(string, *node.Cluster) string {
	b.Helper()
	return func(yaml string, c *node.Cluster) string {
		path := filepath.Join(c.Home(c.Core), "kato-stand-in")
		must(b, os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755))
		return strings.Replace(yaml, "    addresses:\n", "    kato: "+path+"\n    addresses:\n", 1)
	}
}

const saysVersion = "echo 2.10.6\n"

// bareSSH returns a warm x/crypto/ssh connection to the core, made as alsbot
// makes it.
func bareSSH(b *testing.B, c *node.Cluster) *ssh.Client {
	b.Helper()
	pem, err := os.ReadFile(c.IdentityFile)
	must(b, err)
	signer, err := ssh.ParsePrivateKey(pem)
	must(b, err)
	client, err := ssh.Dial("tcp", c.Addr(c.Core), &ssh.ClientConfig{
		User: c.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	})
	must(b, err)
	b.Cleanup(func() { _ = client.Close() })
	return client
}

// warmRead measures from `version` to the answer in the channel, beside one
// bare exec through the same login shell and two calls of the Web API.
func warmRead(b *testing.B, f *figures) {
	h := furnish(b, f.bin, "http", standIn(b, saysVersion))
	h.start()
	client := bareSSH(b, h.scene.Cluster)
	kato := filepath.Join(h.scene.Cluster.Home(h.scene.Cluster.Core), "kato-stand-in")
	slack := &http.Client{}
	limit := func() time.Duration {
		began := time.Now()
		session, err := client.NewSession()
		must(b, err)
		out, err := session.Output(`exec "$SHELL" -l -c 'exec ` + kato + ` version' </dev/null 2>&1`)
		must(b, err)
		v := url.Values{"channel": {scene.Elsewhere}, "text": {string(out)}, "blocks": {`[{"type":"section","text":{"type":"mrkdwn","text":"limit"}}]`}}
		v.Set("ts", call(b, slack, h.scene.Workspace.APIURL()+"chat.postMessage", v))
		call(b, slack, h.scene.Workspace.APIURL()+"chat.update", v)
		return time.Since(began)
	}
	ours := func(channel string) time.Duration {
		began := time.Now()
		id := h.ask(channel, "version")
		h.answered(channel, id, "2.10.6")
		return time.Since(began)
	}
	var mine, least times
	const posts = 14 // what a channel accepts at once
	for _, channel := range []string{scene.Prod, scene.Approve} {
		for range posts {
			mine = append(mine, ours(channel))
			least = append(least, limit())
			time.Sleep(30 * time.Millisecond) // lets the work after an answer finish
		}
	}
	mine, least = mine[1:], least[1:] // drop the first, which dials
	f.row("warm read, command to posted answer", show(mine.median()), show(least.median()), ratio(mine.median(), least.median()), 2, atMost)
}

// call makes one call of the Web API and returns the message's ts.
func call(b *testing.B, client *http.Client, to string, v url.Values) string {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(v.Encode()))
	must(b, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer xoxb-scene")
	resp, err := client.Do(req)
	must(b, err)
	defer func() { _ = resp.Body.Close() }()
	var said struct {
		OK    bool
		Error string
		TS    string
	}
	must(b, json.NewDecoder(resp.Body).Decode(&said))
	if !said.OK {
		b.Fatal(fmt.Errorf("%s: %s", to, said.Error))
	}
	return said.TS
}
