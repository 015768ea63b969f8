package als_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"alsbot/als"
)

func TestParse(t *testing.T) {
	type flags = map[string][]string
	for _, tt := range []struct {
		text string
		want als.Request
	}{
		{"", als.Request{Operation: "help"}},
		{"  ", als.Request{Operation: "help"}},
		{"help", als.Request{Operation: "help"}},
		{"help patch install", als.Request{Operation: "help", Args: []string{"patch", "install"}}},
		{"patch install --help", als.Request{Operation: "help", Args: []string{"patch", "install"}}},
		{"--help", als.Request{Operation: "help"}},
		{"patch status", als.Request{Operation: "patch status"}},
		{"Patch Status", als.Request{Operation: "patch status"}},
		{"patch @prod status", als.Request{Operation: "patch status", Cluster: "prod"}},
		{"@prod patch status --all", als.Request{Operation: "patch status", Cluster: "prod", Flags: flags{"all": {""}}}},
		{"patch status @prod @prod", als.Request{Operation: "patch status", Cluster: "prod"}},
		{"patch status --cluster prod", als.Request{Operation: "patch status", Cluster: "prod"}},
		{"patch install dea-x —no-restart", als.Request{Operation: "patch install", Args: []string{"dea-x"}, Flags: flags{"no-restart": {""}}}},
		{"patch install dea-x ––no-restart", als.Request{Operation: "patch install", Args: []string{"dea-x"}, Flags: flags{"no-restart": {""}}}},
		{"patch install dea-x –no-restart", als.Request{Operation: "patch install", Args: []string{"dea-x"}, Flags: flags{"no-restart": {""}}}},
		{"restart dea router --node 10.0.0.12", als.Request{Operation: "restart", Args: []string{"dea", "router"}, Flags: flags{"node": {"10.0.0.12"}}}},
		{"restart --node=10.0.0.12 dea", als.Request{Operation: "restart", Args: []string{"dea"}, Flags: flags{"node": {"10.0.0.12"}}}},
		{"restart --node <http://10.0.0.12|10.0.0.12>", als.Request{Operation: "restart", Flags: flags{"node": {"10.0.0.12"}}}},
		{`stop dea --reason "disk full" @prod`, als.Request{Operation: "stop", Args: []string{"dea"}, Reason: "disk full", Cluster: "prod"}},
		{`stop dea --reason “it’s full” @prod`, als.Request{Operation: "stop", Args: []string{"dea"}, Reason: "it's full", Cluster: "prod"}},
		{`stop dea --reason='a &amp; b &lt;c&gt;'`, als.Request{Operation: "stop", Args: []string{"dea"}, Reason: "a & b <c>"}},
		{`stop dea --reason "<@U012|bob> asked <@W34>"`, als.Request{Operation: "stop", Args: []string{"dea"}, Reason: "@bob asked @W34"}},
		{`stop dea --reason "für Übung"`, als.Request{Operation: "stop", Args: []string{"dea"}, Reason: "für Übung"}},
		{`"patch" 'status'`, als.Request{Operation: "patch status"}},
		{"export cluster /mnt/nas/b.tgz --maintenance", als.Request{Operation: "export cluster", Args: []string{"/mnt/nas/b.tgz"}, Flags: flags{"maintenance": {""}}}},
		{"plan patch install", als.Request{Operation: "patch install", Dry: true}},
		{"plan patch install dea-x @prod", als.Request{Operation: "patch install", Args: []string{"dea-x"}, Cluster: "prod", Dry: true}},
		{"plan --help", als.Request{Operation: "help", Args: []string{"plan"}}},
	} {
		got, err := als.Parse(tt.text, als.Operations)
		if err != nil {
			t.Errorf("%q: %v", tt.text, err)
			continue
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%q:\n got %+v\nwant %+v", tt.text, got, tt.want)
		}
		words := als.Command(got)
		again, err := als.Parse(words, als.Operations)
		if err != nil || !reflect.DeepEqual(again, got) {
			t.Errorf("%q written as %q is read as %+v, %v", tt.text, words, again, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	long := strings.Repeat("a", 65)
	for _, tt := range []struct{ text, want string }{
		{"pacth status", `there is no command "pacth status". Did you mean patch status`},
		{"stauts", "Did you mean status"},
		{"kato patch status", "do not begin with kato. Did you mean patch …"},
		{"patch", "\"patch\" needs a second word. Type one of: `patch status`, `patch install`"},
		{"patch instal", "Did you mean patch install"},
		{"xyzzyxyzzy", "Type `help`"},
		{"--all status", "cannot begin with the flag --all"},
		{"patch install --no-restat", "`patch install` has no flag --no-restat. Did you mean --no-restart?"},
		{"patch install -n", "flags are written out, with two dashes"},
		{"patch install --", "is no flag"},
		{"patch install --no-restart=yes", "--no-restart takes no value"},
		{"patch install --no-restart --no-restart", "--no-restart is given twice"},
		{"restart --node", "--node needs a value"},
		{"restart --node --verbose", "--node needs a value"},
		{"restart --node core", "--node is not an IP address"},
		{"restart --node 010.0.0.1", "--node is not an IP address"},
		{"patch install a b", "`patch install` has one word too many: \"b\". Usage: `patch install [NAME]"},
		{"patch install dea;reboot", `NAME contains ";"`},
		{"patch install $(reboot)", `NAME contains "$"`},
		{"patch install `reboot`", "NAME contains \"`\""},
		{"patch install 'a b'", `NAME contains " "`},
		{"patch install '-x'", "NAME may not begin with a dash"},
		{"patch install " + long, "NAME has 65 characters; 64 are allowed"},
		{"patch install dea\u200b-x", "U+200B"},
		{"patch install dеa-x", "the character е (U+0435)"},
		{"patch install ''", "NAME is empty"},
		{"раtch status", "(U+0440)"},
		{"status @prоd", "the character о (U+043E)"},
		{"status @", "the cluster's name is empty"},
		{"status @a @b", "two clusters are named"},
		{"status <@U012|prod>", "the mention of a person"},
		{"status <@U012>", "the mention of a person"},
		{"<@U012|prod> status", "the mention of a person"},
		{"status --cluster <@U012|prod>", "the mention of a person"},
		{"status --cluster <!here>", "the mention of a group"},
		{"status --cluster <#C1|prod>", "into a channel"},
		{"export cluster backup.tgz", `FILE must be an absolute path, and "backup.tgz" is relative`},
		{"export cluster /mnt/../etc/x.tgz", "FILE must be a clean path"},
		{"export cluster /mnt//x.tgz", "Type /mnt/x.tgz if that is what you mean"},
		{"export cluster /mnt/x.tar", "FILE must end in .tgz"},
		{"export cluster /mnt/.tgz", "FILE must end in .tgz"},
		{"export cluster /" + strings.Repeat("a", 260) + ".tgz", "255 are allowed"},
		{"status --reason", "--reason needs a value"},
		{"status --reason ''", "the reason is empty"},
		{"status --reason " + strings.Repeat("a", 501), "500 are allowed"},
		{"status --reason a --reason b", "--reason is given twice"},
		{`status --reason "a`, "a quote \" is opened and not closed"},
		{"status\nstop", "the invisible character U+000A"},
		{"status \x1b[31m", "U+001B"},
		{"status \xff", "not valid UTF-8"},
		{strings.Repeat("a ", 65), "65 words"},
		{strings.Repeat("a", 4001), "4001 bytes"},
		{"plan", "`plan` needs COMMAND"},
		{"plan help", "nothing to plan"},
		{"plan plan status", "Type `plan` once"},
	} {
		req, err := als.Parse(tt.text, als.Operations)
		var r *als.Refusal
		if !errors.As(err, &r) {
			t.Errorf("%q: got %+v, %v", tt.text, req, err)
			continue
		}
		if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q:\n got %s\nwant %s", tt.text, err, tt.want)
		}
		checkAdvice(t, r.Next)
		if r.Next.Text == "" {
			t.Errorf("%q: %s: does not say what to do next", tt.text, err)
		}
	}
}

func TestExamplesParse(t *testing.T) {
	for _, op := range als.Operations {
		req, err := als.Parse(op.Example, als.Operations)
		if err != nil {
			t.Errorf("%s: example %q: %v", op.Name, op.Example, err)
			continue
		}
		if req.Operation != op.Name && op.Name != "plan" {
			t.Errorf("%s: example %q asks for %s", op.Name, op.Example, req.Operation)
		}
		if req.Cluster == "" && !op.Builtin {
			t.Errorf("%s: example %q names no cluster", op.Name, op.Example)
		}
	}
}

func TestComplete(t *testing.T) {
	texts := func(in string) []string {
		var out []string
		for _, s := range als.Complete(in, als.Operations, []string{"prod", "test"}) {
			out = append(out, s.Text)
		}
		return out
	}
	for _, tt := range []struct {
		text string
		want []string
	}{
		{"patch in", []string{"patch install"}},
		{"pat", []string{"patch status", "patch install", "patch reinstall", "patch update", "patch revert", "patch reset"}},
		{"status @p", []string{"status @prod"}},
		{"patch install --no", []string{"patch install --no-restart", "patch install --node"}},
		{"patch install --no-restart --no", []string{"patch install --no-restart --node"}},
		{"plan patch in", []string{"plan patch install"}},
		{"nodes ", []string{"nodes @prod", "nodes @test"}},
		{`status "`, nil},
	} {
		if got := texts(tt.text); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%q: got %q, want %q", tt.text, got, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, op := range als.Operations {
		f.Add(op.Example)
	}
	for _, s := range []string{`stop dea --reason “it’s ‘full’” @prod`, "status <http://x.y|x.y>", "&amp;lt;", "<<@U|@U1>>", "plan plan", "help --x", `a "'"'"'`, "—–-all"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		req, err := als.Parse(text, als.Operations)
		als.Complete(text, als.Operations, []string{"prod"})
		if err != nil {
			var r *als.Refusal
			if !errors.As(err, &r) || r.Text == "" || r.Next.Text == "" {
				t.Fatalf("%q is refused without words: %#v", text, err)
			}
			return
		}
		words := als.Command(req)
		again, err := als.Parse(words, als.Operations)
		if err != nil || !reflect.DeepEqual(req, again) {
			t.Fatalf("%q is %+v, written %q, and read back as %+v, %v", text, req, words, again, err)
		}
		for _, a := range req.Args {
			if strings.HasPrefix(a, "-") && req.Operation != "help" {
				t.Fatalf("%q has the argument %q", text, a)
			}
		}
	})
}
