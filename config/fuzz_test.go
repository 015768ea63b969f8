package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"alsbot/config"
)

// FuzzLoad checks that any file and variable yield a configuration or a list
// of problems without a secret in it.
func FuzzLoad(f *testing.F) {
	example, err := os.ReadFile(examplePath)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(example), "STORE__PATH=x")
	f.Add(minimal, "CLUSTERS__1__CORE=x:22")
	f.Add("a: &a [*a]", "__=")
	f.Add("clusters: [[]]", "CLUSTERS=x")
	f.Add("clusters: [null, 1, {addresses: {10.0.0.1: a}}]", "CLUSTERS__0__ADDRESSES__10=x")
	f.Add("slack: &s {mode: *s}\n<<: *s", "SLACK__MODE__X=1")
	f.Add("---\n...\n---\n", "ACCESS__VIEWER__0=*")
	f.Add("schedules: [{cron: 'TZ=0', timezone: ''}]", "SCHEDULES__0__CRON=TZ=")
	f.Add("store: {keep_runs: 99999999999999d}", "STORE__KEEP_RUNS=65535d2562047h")
	path := filepath.Join(f.TempDir(), "c.yaml")
	f.Fuzz(func(t *testing.T, text, variable string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(path, []string{"ALSBOT_" + variable, "ALSBOT_SLACK__SIGNING_SECRET=hushhush x"})
		var all *config.Error
		switch {
		case err == nil && c == nil:
			t.Error("neither a configuration nor an error")
		case err != nil && !errors.As(err, &all):
			t.Errorf("not a list of problems: %v", err)
		case err != nil && strings.Contains(err.Error(), "hushhush"):
			t.Errorf("the secret is shown: %v", err)
		}
	})
}

func FuzzParseWindow(f *testing.F) {
	f.Add("Sat 02:00-05:00 Europe/Berlin", int64(1_790_000_000))
	f.Add("Mon-Fri,Sun 22:00-02:00", int64(0))
	f.Add("00:00-24:00 Africa/Monrovia", int64(-3_000_000_000))
	f.Fuzz(func(t *testing.T, text string, sec int64) {
		w, err := config.ParseWindow(text)
		if err != nil {
			return
		}
		at := time.Unix(sec%10_000_000_000, 0)
		next := w.Next(at)
		if next.Before(at) || !w.Contains(next) && next.Sub(at) < 100*365*24*time.Hour {
			t.Errorf("%q: after %v comes %v, which it does not contain", text, at, next)
		}
	})
}
