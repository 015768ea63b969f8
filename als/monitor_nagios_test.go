package als_test

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"alsbot/als"
)

// object is one define block of a Nagios configuration.
type object struct {
	kind   string
	fields map[string]string
}

func objects(t *testing.T, text string) []object {
	t.Helper()
	var out []object
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		kind, define := strings.CutPrefix(line, "define ")
		key, value, _ := strings.Cut(line, " ")
		switch {
		case define:
			out = append(out, object{strings.TrimSuffix(kind, " {"), map[string]string{}})
		case line == "" || line == "}" || strings.HasPrefix(line, "#"):
		case len(out) == 0:
			t.Fatalf("outside of any block: %s", line)
		default:
			out[len(out)-1].fields[key] = strings.TrimSpace(value)
		}
	}
	return out
}

// The configuration defines everything that it names, and Nagios accepts it.
func TestNagios(t *testing.T) {
	_, v := tell(t, testCluster(), "monitor nagios", nil)
	defined := map[string][]string{}
	all := objects(t, v.Report)
	for _, o := range all {
		for _, key := range []string{o.kind + "_name", "name"} {
			if name := o.fields[key]; name != "" {
				defined[o.kind] = append(defined[o.kind], name)
			}
		}
	}
	refers := map[string]string{"check_command": "command", "host_notification_commands": "command", "service_notification_commands": "command",
		"check_period": "timeperiod", "notification_period": "timeperiod", "host_notification_period": "timeperiod", "service_notification_period": "timeperiod",
		"contact_groups": "contactgroup", "hostgroup_name": "hostgroup", "host_name": "host"}
	refs := 0
	for _, o := range all {
		for key, value := range o.fields {
			kind := refers[key]
			switch key {
			case "use":
				kind = o.kind
			case "members":
				kind = map[string]string{"hostgroup": "host", "contactgroup": "contact"}[o.kind]
			}
			if kind == "" {
				continue
			}
			for _, name := range strings.Split(value, ",") {
				refs++
				if name, _, _ = strings.Cut(name, "!"); !slices.Contains(defined[kind], name) {
					t.Errorf("%s names the %s %s, which is not defined", o.kind, kind, name)
				}
			}
		}
	}
	if refs < 50 {
		t.Errorf("only %d references found: the test looks in the wrong place", refs)
	}
	path, err := exec.LookPath("nagios4")
	if err != nil { // Debian's place, which is not on everybody's PATH
		path, err = exec.LookPath("/usr/sbin/nagios4")
	}
	t.Run("accepted", func(t *testing.T) {
		if err != nil {
			t.Skip("nagios4 is not installed: scripts/setup installs it")
		}
		acceptedBy(t, path, v.Report)
	})
}

// Severities are counted by their word. Anything else is unknown, and urgent.
func TestPatchesBySeverity(t *testing.T) {
	list := "7 updates available to be installed.\n\nKnown updates:\n"
	for i, s := range []string{"required", "Optional", "optional", "recommended", "critical", "see note 5", "n/a"} {
		list += fmt.Sprintf("  p%d: x\n    roles affected: dea\n    severity: %s\n", i, s)
	}
	_, v := tell(t, testCluster(), "patch status", said{"patches": out(list)})
	want := &als.PatchCount{Waiting: 7, Urgent: 4, Severities: map[string]int{"required": 1, "optional": 2, "recommended": 1, "critical": 1, "unknown": 2}}
	if !reflect.DeepEqual(v.Data.Patches, want) {
		t.Errorf("got %+v", v.Data.Patches)
	}
}

// A path with characters that Nagios or a shell would interpret is one word to
// both.
func TestNagiosQuotes(t *testing.T) {
	c := testCluster()
	c.Config = "/etc/al's $bot; x/config.yaml"
	_, v := tell(t, c, "monitor nagios", nil)
	if want := `--config '/etc/al'\''s $$bot\; x/config.yaml' --socket /run`; !strings.Contains(v.Report, want) {
		t.Errorf("no %s in:\n%s", want, v.Report)
	}
}

func acceptedBy(t *testing.T, nagios, text string) {
	t.Helper()
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "objects.cfg"), []byte(text), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "resource.cfg"), []byte("$USER1$=/usr/lib/nagios/plugins\n"), 0o600))
	main := "cfg_file=@/objects.cfg\nresource_file=@/resource.cfg\nlog_file=@/log\nobject_cache_file=@/cache\nstatus_file=@/status\ncommand_file=@/cmd\n" +
		"lock_file=@/lock\ntemp_file=@/temp\ntemp_path=@\nlog_archive_path=@\ncheck_result_path=@\nstate_retention_file=@/retention\nillegal_macro_output_chars=`~$&|'\"<>\n"
	me, err := user.Current()
	must(t, err)
	main += "nagios_user=" + me.Uid + "\nnagios_group=" + me.Gid + "\n" // else it becomes somebody who may not read here
	file := filepath.Join(dir, "nagios.cfg")
	must(t, os.WriteFile(file, []byte(strings.ReplaceAll(main, "@", dir)), 0o600))
	out, err := exec.Command(nagios, "-v", file).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Total Warnings: 0") {
		t.Errorf("%v:\n%s", err, out)
	}
}
