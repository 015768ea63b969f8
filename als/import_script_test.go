package als_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"alsbot/als"
)

// In every shell the probe tells how much an archive unpacks to, and does not
// accept an archive that gzip cannot read to its end.
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

// In every shell the words for the old core measure the first directory of
// each kind that exists, once.
func TestOldCoreData(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"/var/helion/services", "/var/stackato/services", "/var/stackato/droplets"} {
		must(t, os.MkdirAll(dir+d, 0o755))
		must(t, os.WriteFile(dir+d+"/data", make([]byte, 100<<10), 0o600))
	}
	req, op := asked(t, "import cluster old.example.com")
	checks, err := op.Checks(req, testCluster())
	must(t, err)
	i := slices.IndexFunc(checks, func(s als.Step) bool { return s.Key == "old-data" })
	words, ok := strings.CutPrefix(checks[i].Argv[len(checks[i].Argv)-1], "exec sh -c '")
	words, quoted := strings.CutSuffix(words, "'")
	if !ok || !quoted || strings.Contains(words, "'") {
		t.Fatalf("not one word for the other side's shell: %q", checks[i].Argv)
	}
	words = strings.ReplaceAll(words, "/var/", dir+"/var/")
	for name, shell := range shells(t) {
		got := string(run(t, shell, als.Step{Argv: []string{"sh", "-c", words}}).Output)
		var places []string
		for line := range strings.Lines(got) {
			kb, place, _ := strings.Cut(strings.TrimSpace(line), "\t")
			if n, err := strconv.Atoi(kb); err != nil || n < 100 {
				t.Errorf("%s: %q", name, line)
			}
			places = append(places, strings.TrimPrefix(place, dir))
		}
		if !slices.Equal(places, []string{"/var/helion/services/", "/var/stackato/droplets/"}) {
			t.Errorf("%s: %q", name, got)
		}
	}
}
