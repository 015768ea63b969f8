package als_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
)

// The look at an archive tells how much it unpacks to, in every shell, and
// takes nothing for whole that gzip cannot read to its end.
func TestArchiveLook(t *testing.T) {
	whole := archive(t, 3)
	z, err := gzip.NewReader(bytes.NewReader(whole))
	must(t, err)
	unpacked, err := io.Copy(io.Discard, z)
	must(t, err)
	file := t.TempDir() + "/b.tgz"
	req, op := asked(t, "import cluster "+file)
	checks, err := op.Checks(req, testCluster())
	must(t, err)
	for name, shell := range shells(t) {
		for text, want := range map[string]string{
			string(whole):                  fmt.Sprintf("unpacked=%d\n", unpacked),
			string(whole[:len(whole)*2/3]): "state=damaged\n",
			string(whole[:len(whole)-1]):   "state=damaged\n",
			"no archive":                   "state=damaged\n",
			"":                             "state=damaged\n",
		} {
			must(t, os.WriteFile(file, []byte(text), 0o600))
			got := string(run(t, shell, checks[0]).Output)
			if !strings.Contains(got, want) || strings.Contains(got, "state=read") != (text == string(whole)) {
				t.Errorf("%s, %d bytes: no %q in\n%s", name, len(text), want, got)
			}
		}
	}
}
