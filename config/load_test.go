package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"alsbot/config"
)

const minimal = `slack:
  app_token: xapp-1
  bot_token: xoxb-1
access: {viewer: ["*"], operator: [U123], approver: [S0LEADS]}
clusters:
  - name: prod
    core: 10.0.0.10:22
    user: helion
    identity_file: id
    known_hosts: hosts
    channel: C0PROD
`

func write(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, text string, environ ...string) *config.Config {
	t.Helper()
	c, err := config.Load(write(t, text), environ)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDefaults(t *testing.T) {
	want := &config.Config{
		Slack:    config.Slack{Mode: "socket", AppToken: "xapp-1", BotToken: "xoxb-1", APIURL: "https://slack.com/api/", Command: "/als"},
		HTTP:     config.HTTP{Listen: "127.0.0.1:8080"},
		Admin:    config.Admin{Listen: "127.0.0.1:9464", Socket: "alsbot.sock"},
		Store:    config.Store{Engine: "bolt", Path: "alsbot.db", Etcd: config.Etcd{Prefix: "/alsbot/"}, KeepRuns: 2160 * time.Hour},
		Access:   config.Access{Viewer: []string{"*"}, Operator: []string{"U123"}, Approver: []string{"S0LEADS"}},
		Approval: config.Approval{Effects: []string{"restart", "destroy"}, ExpiresAfter: time.Hour, Quorum: 1},
		Clusters: []config.Cluster{{
			Name: "prod", Core: "10.0.0.10:22", User: "helion", IdentityFile: "id", KnownHosts: "hosts", Kato: "kato",
			Generation: "auto", RunsDir: ".alsbot/runs", Channel: "C0PROD", Approvals: "C0PROD",
			Backup: config.Backup{Keep: config.Keep{Daily: 7, Weekly: 4, Monthly: 12}, MaxAge: 26 * time.Hour, MaxSize: 1 << 40},
		}},
		Schedules: []config.Schedule{},
		Monitoring: config.Monitoring{NewRelic: config.NewRelic{
			Package: "newrelic-sysmond", Source: "deb http://apt.newrelic.com/debian/ newrelic non-free",
			Install: []string{
				"wget --quiet --output-document=/etc/apt/newrelic.gpg https://download.newrelic.com/548C16BF.gpg", "apt-key add /etc/apt/newrelic.gpg",
				"apt-get update", "env DEBIAN_FRONTEND=noninteractive apt-get install --yes {package}",
			},
			ConfigFile: "/etc/newrelic/nrsysmond.cfg", Start: "/etc/init.d/newrelic-sysmond restart", Process: "nrsysmond",
		}},
	}
	got := load(t, minimal)
	if !filepath.IsAbs(got.Path) || filepath.Base(got.Path) != "c.yaml" {
		t.Errorf("the file was %s", got.Path)
	}
	want.Path = got.Path
	want.Warnings = []string{"admin.users: is empty: on the command line, nobody can ask for what needs approval"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEnvironment(t *testing.T) {
	c := load(t, minimal,
		"ALSBOT_CLUSTERS__1__NAME=test", "ALSBOT_CLUSTERS__1__CORE=core.example.com:2222", "ALSBOT_CLUSTERS__1__USER=root",
		"ALSBOT_CLUSTERS__1__IDENTITY_FILE=id", "ALSBOT_CLUSTERS__1__KNOWN_HOSTS=hosts", "ALSBOT_CLUSTERS__1__LEGACY_SSH=true",
		"ALSBOT_CLUSTERS__0__CORE=10.0.0.99:22",
		"ALSBOT_CLUSTERS__0__ADDRESSES=10.0.0.11=192.0.2.1:22, 10.0.0.12=192.0.2.2:22",
		"ALSBOT_CLUSTERS__0__BACKUP__KEEP__DAILY=0",
		"ALSBOT_CLUSTERS__0__WINDOWS=Sat 02:00-05:00 Europe/Berlin",
		"ALSBOT_ACCESS__OPERATOR=U456, S0OPS", "ALSBOT_ACCESS__APPROVER__0=S0CHIEFS",
		"ALSBOT_SLACK__BOT_TOKEN=xoxb-2", "ALSBOT_STORE__KEEP_RUNS=30d", "HOME=/root", "ALSBOTTLE=1")
	one, _ := c.Cluster("prod")
	two, ok := c.Cluster("test")
	got := []any{
		ok, two.Core, two.LegacySSH, two.Kato, one.Core, one.Addresses, one.Backup.Keep, one.Windows[0].String(),
		c.Access.Operator, c.Access.Approver, c.Slack.BotToken.Reveal(), c.Slack.AppToken.Reveal(), c.Store.KeepRuns,
	}
	want := []any{
		true, "core.example.com:2222", true, "kato", "10.0.0.99:22",
		map[string]string{"10.0.0.11": "192.0.2.1:22", "10.0.0.12": "192.0.2.2:22"}, config.Keep{Daily: 0, Weekly: 4, Monthly: 12},
		"Sat 02:00-05:00 Europe/Berlin", []string{"U456", "S0OPS"}, []string{"S0CHIEFS"}, "xoxb-2", "xapp-1", 720 * time.Hour,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What a container platform says of a service called alsbot sets nothing; a
// mistake of a person's stays one.
func TestVariablesOfContainerPlatforms(t *testing.T) {
	made := []string{"ALSBOT_SERVICE_HOST=10.0.0.1", "ALSBOT_SERVICE_PORT=9464", "ALSBOT_SERVICE_PORT_HTTP=9464", "ALSBOT_PORT=tcp://10.0.0.1:9464",
		"ALSBOT_PORT_9464_TCP=tcp://10.0.0.1:9464", "ALSBOT_PORT_9464_TCP_ADDR=10.0.0.1", "ALSBOT_PORT_9464_TCP_PORT=9464", "ALSBOT_PORT_9464_TCP_PROTO=tcp",
		"ALSBOT_HTTP_SERVICE_HOST=10.0.0.2", "ALSBOT_HTTP_PORT=tcp://10.0.0.2:80", "ALSBOT_NAME=/web/alsbot", "ALSBOT_ENV_PATH=/bin"}
	c := load(t, minimal, made...)
	all := strings.Join(c.Warnings, "\n")
	for _, v := range made {
		if name, _, _ := strings.Cut(v, "="); !strings.Contains(all, name) {
			t.Errorf("no warning names %s:\n%s", name, all)
		}
	}
	for _, wrong := range []string{"ALSBOT_PORT=9464", "ALSBOT_HTTP_PORT=8080", "ALSBOT_NAME=alsbot", "ALSBOT_SLACK__PORT=tcp://10.0.0.1:1", "ALSBOT_STORE__SERVICE_HOST=x", "ALSBOT_SERVICE=x"} {
		if _, err := config.Load(write(t, minimal), []string{wrong}); err == nil {
			t.Errorf("%s is accepted", wrong)
		}
	}
}

func TestEnvironmentAlone(t *testing.T) {
	c, err := config.Load("", []string{
		"ALSBOT_SLACK__MODE=http", "ALSBOT_SLACK__BOT_TOKEN=xoxb-1", "ALSBOT_SLACK__SIGNING_SECRET=s",
		"ALSBOT_CLUSTERS__0__NAME=prod", "ALSBOT_CLUSTERS__0__CORE=10.0.0.10:22", "ALSBOT_CLUSTERS__0__USER=helion",
		"ALSBOT_CLUSTERS__0__IDENTITY_FILE=id", "ALSBOT_CLUSTERS__0__KNOWN_HOSTS=hosts",
	})
	if err != nil {
		t.Fatal(err)
	}
	if cl, ok := c.Cluster("prod"); !ok || cl.Core != "10.0.0.10:22" {
		t.Errorf("got %+v", c.Clusters)
	}
}

// One error holds every mistake, with its place, in the order of the file.
func TestAllMistakesTogether(t *testing.T) {
	path := write(t, `slack:
  mode: sokcet
  bot_tokn: xoxb-hush
  app_token: "xapp hush"
  api_url: ftp://slack.com
clusters:
  - name: Prod
    core: 10.0.0.10
    identity_file: [a, b]
    known_hosts: hosts
    addresses: {10.0.0.11: 192.0.2.1}
    backup: {max_age: 26x, max_size: 9EiB, keep: {daily: many}}
    windows: ["Sat 02:00-05:00 Europe/Berlin", "Funday 02:00-03:00"]
scheduls: []
schedules:
  - {name: nightly, cluster: prd, cron: "0 3 * *", command: ""}
  - {name: nightly, cluster: Prod, cron: "CRON_TZ=UTC 0 3 * * *", timezone: Mars/Base, command: x}
`)
	_, err := config.Load(path, []string{"ALSBOT_STROE__PATH=xoxb-hush", "ALSBOT_APPROVAL__QUORUM=two", "ALSBOT_CLUSTERS__7__CORE=x:1"})
	var all *config.Error
	if !errors.As(err, &all) {
		t.Fatalf("got %v", err)
	}
	want := []string{
		`c.yaml:1: slack.bot_token: is required`,
		`c.yaml:2: slack.mode: "sokcet" should be one of socket, http (did you mean socket?)`,
		`c.yaml:3: slack.bot_tokn is no key (did you mean bot_token?)`,
		`c.yaml:4: slack.app_token: has a space or a line break in it (the value is not shown)`,
		`c.yaml:5: slack.api_url: "ftp://slack.com" should begin with https://`,
		`c.yaml:7: clusters[0].name: "Prod" is no name`,
		`c.yaml:7: clusters[0].user: is required`,
		`c.yaml:8: clusters[0].core: "10.0.0.10" should be a host and a port`,
		`c.yaml:9: clusters[0].identity_file: should be one value, not a list or a map`,
		`c.yaml:11: clusters[0].addresses.10.0.0.11: "192.0.2.1" should be a host and a port`,
		`c.yaml:12: clusters[0].backup.max_age: "26x" is no duration`,
		`c.yaml:12: clusters[0].backup.max_size: "9EiB": is no size`,
		`c.yaml:12: clusters[0].backup.keep.daily: "many" is no whole number`,
		`c.yaml:13: clusters[0].windows[1]: "Funday 02:00-03:00": "Funday" are no days`,
		`c.yaml:14: scheduls is no key (did you mean schedules?)`,
		`c.yaml:16: schedules[0].cluster: "prd" is not configured`,
		`c.yaml:16: schedules[0].command: is required`,
		`c.yaml:16: schedules[0].cron: "0 3 * *" should have five fields`,
		`c.yaml:17: schedules[1].name: "nightly" is there twice`,
		`c.yaml:17: schedules[1].timezone: "Mars/Base" is no time zone`,
		`c.yaml:17: schedules[1].cron: "CRON_TZ=UTC 0 3 * * *" should hold no time zone`,
		`ALSBOT_APPROVAL__QUORUM: approval.quorum: "two" is no whole number`,
		`ALSBOT_CLUSTERS__7__CORE: clusters[7]: there is no such element: the list has 1`,
		`ALSBOT_STROE__PATH: stroe is no key (did you mean store?)`,
	}
	lines := strings.Split(err.Error(), "\n")
	for _, w := range want {
		found := false
		for _, l := range lines {
			found = found || strings.HasPrefix(strings.TrimPrefix(l, filepath.Dir(path)+"/"), w)
		}
		if !found {
			t.Errorf("no line begins with %s", w)
		}
	}
	if len(lines) != len(want) || t.Failed() {
		t.Errorf("%d lines, want %d:\n%s", len(lines), len(want), err)
	}
	if strings.Contains(err.Error(), "hush") {
		t.Errorf("a secret is shown:\n%s", err)
	}
	line := 0
	for _, p := range all.Problems {
		n := 1 << 20 // variables come last
		if _, after, ok := strings.Cut(p.Place, "c.yaml:"); ok {
			if n, err = strconv.Atoi(after); err != nil {
				t.Fatal(err)
			}
		}
		if n < line {
			t.Errorf("out of order: %s", p)
		}
		line = n
	}
}

// TestOneMistake changes one line of the minimal file, or adds one.
func TestOneMistake(t *testing.T) {
	user := "c.yaml:" + strconv.Itoa(strings.Count(minimal[:strings.Index(minimal, "user:")], "\n")+1) + ": "
	tests := []struct{ name, old, new, want string }{
		{"a control character", "user: helion", "user: hel\x01ion", user + "control characters"},
		{"not UTF-8", "user: helion", "user: hel\xffion", user},
		{"a tab in the first line", minimal[:1], "\t" + minimal[:1], "c.yaml:1: "},
		{"cut off in the first word", minimal, "# ours\nsl", "c.yaml:2: should be a map of keys and values"},
		{"no YAML", "slack:", "slack: [", "c.yaml:"},
		{"second document", "slack:", "---\n{}\n---\nslack:", "a second document"},
		{"a list for a map", "slack:\n  app_token: xapp-1\n  bot_token: xoxb-1", "slack: [x]", "slack: should be a map"},
		{"twice", "    user: helion", "    user: helion\n    user: root", "clusters[0].user: is set twice"},
		{"signing secret", "slack:", "slack:\n  mode: http", "slack.signing_secret: is required in http mode"},
		{"command", "slack:", "slack:\n  command: als", "slack.command"},
		{"a user that no host has", "slack:", "admin: {users: {\"(unknown account)\": U0ANN}}\nslack:", "c.yaml:1: admin.users.(unknown account): \"(unknown account)\" is no user of this host"},
		{"a name for a Slack user", "slack:", "admin: {users: {alice: \"@alice\"}}\nslack:", "c.yaml:1: admin.users.alice: \"@alice\" is no Slack user ID"},
		{"plain http", "slack:", "slack:\n  api_url: http://slack.com/api/", "slack.api_url"},
		{"no slash", "slack:", "slack:\n  api_url: https://slack.com/api", "should end in /"},
		{"a long socket", "access:", "admin: {socket: " + strings.Repeat("d/", 52) + "sock}\naccess:", "admin.socket: has 108 bytes"},
		{"listen", "access:", "admin: {listen: 9464}\naccess:", "admin.listen"},
		{"engine", "access:", "store: {engine: blot}\naccess:", "did you mean bolt?"},
		{"etcd without endpoints", "access:", "store: {engine: etcd}\naccess:", "store.etcd.endpoints: is required"},
		{"etcd half a pair", "access:", "store: {etcd: {key_file: k}}\naccess:", "store.etcd: cert_file and key_file"},
		{"duration without unit", "access:", "store: {keep_runs: 3600}\naccess:", `store.keep_runs: "3600" is no duration`},
		{"negative duration", "access:", "store: {keep_runs: -1h}\naccess:", `store.keep_runs: "-1h" is no duration`},
		{"member", "operator: [U123]", "operator: [ann]", "access.operator[0]"},
		{"quorum", "access:", "approval: {quorum: 0}\naccess:", "approval.quorum: 0 is no quorum"},
		{"unreachable quorum", "approver: [S0LEADS]", "approver: [U12, U12]}\napproval: {quorum: 2", "can never be reached"},
		{"unreachable quorum of a cluster", "channel: C0PROD", "channel: C0PROD\n    access: {approver: [U12]}\napproval: {quorum: 2}", "clusters[0].access.approver"},
		{"effect", "access:", "approval: {effects: [restrat]}\naccess:", "did you mean restart?"},
		{"bool", "access:", "approval: {self: yes}\naccess:", `approval.self: "yes" should be true or false`},
		{"no clusters", minimal[strings.Index(minimal, "clusters:"):], "clusters: []", "clusters: there is none"},
		{"twice the name", "clusters:", "clusters:\n  - {name: prod, core: 'a:1', user: u, identity_file: i, known_hosts: k}", `"prod" is there twice`},
		{"port", "10.0.0.10:22", "10.0.0.10:0", "clusters[0].core"},
		{"user", "user: helion", "user: -oProxyCommand", "clusters[0].user"},
		{"run_as", "channel:", "run_as: 'a b'\n    channel:", "clusters[0].run_as"},
		{"kato", "channel:", "kato: bin/kato\n    channel:", "clusters[0].kato"},
		{"kato flag", "channel:", "kato: -x\n    channel:", "clusters[0].kato"},
		{"generation", "channel:", "generation: als12\n    channel:", "clusters[0].generation"},
		{"via", "channel:", "via: bastion:22\n    channel:", "clusters[0].via"},
		{"via port", "channel:", "via: ops@bastion\n    channel:", "clusters[0].via"},
		{"address", "channel:", "addresses: {node: '10.0.0.1:22'}\n    channel:", `"node" is no IP address`},
		{"runs_dir up", "channel:", "runs_dir: ../x\n    channel:", "clusters[0].runs_dir"},
		{"runs_dir root", "channel:", "runs_dir: /\n    channel:", "clusters[0].runs_dir"},
		{"runs_dir quote", "channel:", "runs_dir: a'b\n    channel:", "clusters[0].runs_dir"},
		{"channel name", "channel: C0PROD", "channel: '#prod'", "clusters[0].channel"},
		{"approvals", "channel:", "approvals: prod\n    channel:", "clusters[0].approvals"},
		{"directory", "channel:", "backup: {directory: mnt}\n    channel:", "clusters[0].backup.directory"},
		{"directory detour", "channel:", "backup: {directory: /mnt/../etc}\n    channel:", "clusters[0].backup.directory"},
		{"keep", "channel:", "backup: {keep: {weekly: -1}}\n    channel:", "clusters[0].backup.keep.weekly"},
		{"cron never", "clusters:", "schedules: [{name: a, cluster: prod, cron: '0 0 30 2 *', command: x}]\nclusters:", "never comes"},
		{"cron field", "clusters:", "schedules: [{name: a, cluster: prod, cron: '0 25 * * *', command: x}]\nclusters:", "schedules[0].cron"},
		{"cron word", "clusters:", "schedules: [{name: a, cluster: prod, cron: '@daily', command: x}]\nclusters:", "schedules[0].cron"},
		{"local zone", "clusters:", "schedules: [{name: a, cluster: prod, cron: '0 0 1 1 *', command: x, timezone: Local}]\nclusters:", "schedules[0].timezone"},
		{"token in the wrong place", "channel: C0PROD", "channel: xoxb-hush", "clusters[0].channel: ••••••"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := config.Load(write(t, strings.Replace(minimal, tt.old, tt.new, 1)), nil)
			var all *config.Error
			if !errors.As(err, &all) {
				t.Fatalf("got %v", err)
			}
			if len(all.Problems) != 1 || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hush") {
				t.Errorf("got\n%s\nwant one line with %s", err, tt.want)
			}
		})
	}
}

func TestAccepted(t *testing.T) {
	tests := []struct{ name, old, new string }{
		{"etcd", "access:", "store: {engine: etcd, etcd: {endpoints: ['https://10.0.0.2:2379']}}\naccess:"},
		{"loopback", "slack:", "slack:\n  api_url: http://127.0.0.1:8080/api/"},
		{"days", "access:", "store: {keep_runs: 30d}\naccess:"},
		{"empty map", "channel:", "access:\n    channel:"},
		{"seconds", "clusters:", "schedules: [{name: a, cluster: prod, cron: '30 0 3 * * MON-FRI', command: x}]\nclusters:"},
		{"leap day", "clusters:", "schedules: [{name: a, cluster: prod, cron: '0 0 29 2 *', command: x}]\nclusters:"},
		{"anchor", "channel:", "backup: &b {directory: /mnt}\n  - {name: two, core: 'a:1', user: u, identity_file: i, known_hosts: k, backup: *b}\n#"},
		{"IPv6", "10.0.0.10:22", "'[2001:db8::1]:22'"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { load(t, strings.Replace(minimal, tt.old, tt.new, 1)) })
	}
}

func TestWarnings(t *testing.T) {
	text := `slack: {app_token: xoxb-1, bot_token: xoxb-1}
admin: {listen: ":9464"}
clusters: [{name: prod, core: "a:1", user: u, identity_file: i, known_hosts: k}]
`
	path := write(t, text)
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(c.Warnings, "\n")
	for _, want := range []string{"slack.app_token", "chmod go-w", "chmod o-rwx", "nobody may do anything", "clusters[0].channel", "nobody is an approver", "admin.listen", "admin.users: is empty: on the command line, nobody can ask for what needs approval"} {
		if !strings.Contains(all, want) {
			t.Errorf("no warning says %s:\n%s", want, all)
		}
	}
	if c := load(t, minimal+"admin: {users: {root: U123}}\n"); len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "admin.users.root: everyone who logs in as root") {
		t.Errorf("a mapped root: %s", c.Warnings)
	}
	for _, admin := range []string{"admin: {users: {alice: U123}}\n", "approval: {effects: []}\n"} {
		if c := load(t, minimal+admin); len(c.Warnings) > 0 {
			t.Errorf("warnings about nothing: %s", c.Warnings)
		}
	}
}

func TestUnreadable(t *testing.T) {
	_, err := config.Load(filepath.Join(t.TempDir(), "none.yaml"), nil)
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	_, err = config.Load(write(t, strings.Repeat("# long\n", 1<<18)), nil)
	if err == nil || !strings.Contains(err.Error(), "limit") {
		t.Errorf("got %v", err)
	}
}
