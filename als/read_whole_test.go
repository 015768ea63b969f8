package als_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"alsbot/als"
)

// Readers return everything or an error: each way to return less.

// A list of patches that is not as kato prints it is not whole: a count that is
// missing or there twice, a record that stands where none can, a value of
// another kind.
func TestReadPatchesIsWholeOrAnError(t *testing.T) {
	const record = `[{"id":1,"name":"dea-memory","description":"x","severity":"required","roles":["dea"],"installed_on":[],"to_be_installed_on":["10.0.0.12"]}]`
	lines := strings.SplitAfter(patchesB, "\n")
	count := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, "updates") })
	for name, text := range map[string]string{
		"no count":              strings.Join(slices.Delete(slices.Clone(lines), count, count+1), ""),
		"none, and two":         noPatches + patchesB,
		"a record flush left":   "1 updates available to be installed.\n\nKnown updates:\nx: Y.\n  severity: optional\n  roles affected: dea\n",
		"keys beside the name":  "1 updates available to be installed.\n\nKnown updates:\n  x: Y.\n  severity: optional\n  roles affected: dea\n",
		"no roles":              strings.Replace(patchesB, "    roles affected: dea\n", "", 1),
		"no severity":           strings.Replace(patchesB, "    severity: required\n", "", 1),
		"an ID, and no nodes":   strings.Replace(patchesB, "    roles affected: dea\n", "    roles affected: dea\n    patch id: 1\n", 1),
		"nodes, and no roles":   strings.Replace(patchesC, "          roles affected:     router, controller\n", "", 1),
		"nodes, and no ID":      strings.Replace(patchesC, "          patch id:           1\n", "", 1),
		"not where it is":       strings.Replace(patchesC, "          installed on:       none\n", "", 1),
		"not where it is to be": strings.Replace(patchesC, "          to be installed on: 127.0.0.1\n", "", 1),
		"an ID of words":        strings.Replace(patchesC, "patch id:           1", "patch id:           one", 1),
		"an ID beyond all":      strings.Replace(patchesC, "patch id:           1", "patch id:           1000000001", 1),
		"a name for a node":     strings.Replace(patchesC, "installed on: 127.0.0.1\n", "installed on: 127.0.0.1, node-7\n", 1),
		"a node twice":          strings.Replace(patchesC, "installed on: 127.0.0.1\n", "installed on: 127.0.0.1, 127.0.0.1\n", 1),
		"a role that is none":   strings.Replace(patchesB, "roles affected: dea\n", "roles affected: dea, Router!\n", 1),
		"a severity of 5":       strings.Replace(record, `"required"`, "5", 1),
		"no severity, but no":   strings.Replace(record, `"required"`, "false", 1),
		"an ID that is none":    strings.Replace(record, `"id":1`, `"id":"one"`, 1),
		"an ID below 0":         strings.Replace(record, `"id":1`, `"id":-1`, 1),
		"a list for a text":     strings.Replace(record, `"x"`, `["x"]`, 1),
		"an IP that is none":    strings.Replace(record, "10.0.0.12", "node-7", 1),
		"an IP twice":           strings.Replace(record, `["10.0.0.12"]`, `["10.0.0.12","10.0.0.12"]`, 1),
		"an error beside it":    `{"patches":` + record + `,"error":"could not fetch the manifest"}`,
		"none, and an error":    `{"patches":[],"error":"could not fetch the manifest"}`,
		"a record of no name":   strings.TrimSuffix(record, "]") + `,{"id":2}]`,
		"a name of two words":   strings.Replace(record, "dea-memory", "dea memory", 1),
		"a text for a record":   strings.TrimSuffix(record, "]") + `,"router-fix"]`,
		"a number for a node":   strings.Replace(record, `["10.0.0.12"]`, "[12]", 1),
	} {
		if list, err := als.ReadPatches([]byte(text)); err == nil {
			t.Errorf("%s: read as %+v", name, list)
		}
	}
	for name, text := range map[string]string{"as it is": record, "a severity of null": strings.Replace(record, `"required"`, "null", 1), "as text": patchesB} {
		if _, err := als.ReadPatches([]byte(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A count of none is held against the list too.
func TestPatchMismatchOfNone(t *testing.T) {
	list, err := als.ReadPatches([]byte(strings.Replace(patchesB, "2 updates", "0 updates", 1)))
	if err != nil || list.Mismatch() != "kato counts 0 updates and lists 2" {
		t.Errorf("got %q, %v", list.Mismatch(), err)
	}
}

// What stands behind a node's address and cannot be its roles is no list of
// roles, and a list with such a line is not whole.
func TestReadNodesRefusesSentences(t *testing.T) {
	for _, words := range []string{"dea router", "base Dea", "base running", "base is down", "base not", "base dea base", "is not reachable", "base d/a", ""} {
		got, err := als.ReadNodes([]byte("10.0.0.10 " + words + "\n10.0.0.12 base dea\n"))
		if err == nil || len(got) != 2 || len(got[0].Roles) > 0 {
			t.Errorf("%q: got %+v, %v", words, got, err)
		}
		if got, err = als.ReadNodes([]byte("10.0.0.10 " + words + "\n")); err == nil || len(got) > 0 {
			t.Errorf("%q alone: got %+v, %v", words, got, err)
		}
	}
}

// A role is no healthier than the processes below it. A role that the node does
// not have is none of its roles.
func TestStatusOfProcesses(t *testing.T) {
	for below, want := range map[string]als.Condition{"router2g: RUNNING": "RUNNING", "router2g: FATAL": "FATAL", "router2g: STARTING": "STARTING"} {
		text := "Node 10.0.0.1\n  router RUNNING\n    " + below + "\n    other: RUNNING\n  dea not configured\n"
		got, err := als.ReadStatus([]byte(text))
		if err != nil || !reflect.DeepEqual(got, als.Status{"10.0.0.1": {"router": want}}) {
			t.Errorf("%s: %+v, %v", below, got, err)
		}
	}
}

// In JSON too, what is no role or no condition is a gap.
func TestStatusInJSON(t *testing.T) {
	for text, whole := range map[string]bool{
		`{"10.0.0.10":{"base":"RUNNING"}}`:                              true,
		`{"router2g":"RUNNING","dea_ng":"STOPPED"}`:                     true, // of one node
		`{"10.0.0.10":{"base":"RUNNING","Router!":"RUNNING"}}`:          false,
		`{"10.0.0.10":{"base":"RUNNING","state":"RUNNING"}}`:            false,
		`{"10.0.0.10":{"base":"RUNNING","router":5}}`:                   false,
		`{"10.0.0.10":{"base":"RUNNING","router":"fine"}}`:              false,
		`{"router2g":"RUNNING","version":"3.4.2"}`:                      false,
		`{"10.0.0.10":{"base":"RUNNING"},"10.0.0.11":{}}`:               false,
		`{"10.0.0.10":{"base":"RUNNING"},"router2g":"RUNNING"}`:         false,
		`{"10.0.0.10":{"base":"RUNNING","10.0.0.11":{"base":"FATAL"}}}`: false,
	} {
		if got, err := als.ReadProcesses([]byte(text)); (err == nil) != whole {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}

// Only what stands below its heading is an application that was lost.
func TestReadImportLost(t *testing.T) {
	const ended = "Import complete.\n"
	for text, want := range map[string]struct {
		lost   string
		unread bool
	}{
		"The following apps could not be redeployed:\n  web\n\n  shop\n" + ended:    {"web shop", false},
		"  error getting sizes\n" + ended:                                           {"", false},
		"  web\n" + ended:                                                           {"", true},
		"The following apps could not be redeployed:\n  web\n" + ended + "  shop\n": {"web", true},
	} {
		in := als.ReadImport([]byte(text))
		if strings.Join(in.Lost, " ") != want.lost || (in.Unread != "") != want.unread {
			t.Errorf("%q: %q, %q", text, in.Lost, in.Unread)
		}
	}
}

// Noise is skipped, but for a line of the log or of the progress that tells bad
// news.
func TestNoise(t *testing.T) {
	for line, noise := range map[string]bool{
		"error getting sizes":                                                        true,
		"2014-09-01 10:00:00 error getting sizes":                                    true,
		"[info] reading the status":                                                  true,
		"[debug] (12339) contacting 10.0.0.12":                                       true,
		"-----> Reading the status":                                                  true,
		"Contacting 10.0.0.12...":                                                    true,
		"10.0.0.12: contacting the supervisor...":                                    true,
		"contacting 10.0.0.12 ...   ok":                                              true,
		"stdin: is not a tty":                                                        true,
		"mesg: /dev/pts/0: Inappropriate ioctl for device":                           true,
		"bash: warning: setlocale: LC_ALL: cannot change locale (en_US.UTF-8)":       true,
		"Warning: Permanently added '10.0.0.12' (ECDSA) to the list of known hosts.": true,
		"Welcome to Ubuntu 12.04.5 LTS (GNU/Linux 3.8.0-44-generic x86_64)":          true,
		" * Documentation:  https://help.ubuntu.com/":                                true,
		"12 packages can be updated.":                                                true,
		"[info] 10.0.0.12 is unreachable":                                            false,
		"[debug] skipping 10.0.0.12":                                                 false,
		"-----> Reading the status failed":                                           false,
		"Skipping 10.0.0.12...":                                                      false,
		"10.0.0.12: timed out connecting... ok":                                      false,
		"[warn] 10.0.0.12":                                                           false,
		"10.0.0.12 is not there":                                                     false,
		"Warning: 10.0.0.12 is not there":                                            false,
		"bash: warning: setlocale: LC_ALL: cannot change locale (en_US.UTF-8): 10.0.0.12 is not there":     false,
		"Permanently removed '10.0.0.12' from the list of known hosts. Welcome to Ubuntu: it is not there": false,
	} {
		got, err := als.ReadStatus([]byte("Node 10.0.0.10\n  base RUNNING\n" + line + "\n"))
		if (err == nil) != noise || !got.Of("10.0.0.10", "base").Healthy() {
			t.Errorf("%q: %+v, %v", line, got, err)
		}
	}
}

// kato's tests count only if each is read, and the status fits what they say.
func TestInspectIsWholeOrAnError(t *testing.T) {
	const passed, broken = "system/disk_space      ok\nroles/processes        ok\n", "system/disk_space      FAILED\n    only 3 MB free\nroles/processes        ok\n"
	for _, tt := range []struct {
		name    string
		r       als.Result
		outcome als.Outcome
		concern bool
	}{
		{"passed", als.Result{Output: []byte(passed + "2 tests run, 0 failed\n")}, als.Succeeded, false},
		{"one failed", als.Result{Exit: 1, Output: []byte(broken + "2 tests run, 1 failed\n")}, als.Succeeded, true},
		{"one failed, with status 0", als.Result{Output: []byte(broken + "2 tests run, 1 failed\n")}, als.Succeeded, true},
		{"passed, with status 1", als.Result{Exit: 1, Output: []byte(passed + "2 tests run, 0 failed\n")}, als.Failed, false},
		{"one failed, with status 2", als.Result{Exit: 2, Output: []byte(broken + "2 tests run, 1 failed\n")}, als.Failed, false},
		{"one failed, and cut", als.Result{Exit: 1, Cut: true, Output: []byte(broken + "2 tests run, 1 failed\n")}, als.Failed, false},
		{"one failed, and trouble", als.Result{Exit: 1, Trouble: "the wire is cut", Output: []byte(broken + "2 tests run, 1 failed\n")}, als.Failed, false},
		{"a strange line", als.Result{Output: []byte("oops\n" + passed + "2 tests run, 0 failed\n")}, als.Failed, false},
		{"two counts", als.Result{Output: []byte(passed + "2 tests run, 0 failed\n2 tests run, 0 failed\n")}, als.Failed, false},
		{"a test twice", als.Result{Output: []byte("roles/processes        ok\n" + passed + "3 tests run, 0 failed\n")}, als.Failed, false},
		{"a reason below a test that passed", als.Result{Output: []byte(passed + "    only 3 MB free\n2 tests run, 0 failed\n")}, als.Failed, false},
		{"another count", als.Result{Output: []byte(passed + "3 tests run, 0 failed\n")}, als.Failed, false},
	} {
		_, v := tell(t, testCluster(), "inspect", said{"kato:inspect": tt.r})
		if v.Outcome != tt.outcome || v.Concern != tt.concern {
			t.Errorf("%s: %s, %t: %s", tt.name, v.Outcome, v.Concern, v.Summary)
		}
	}
}

// A history that is too long for the report says so.
func TestHistoryReport(t *testing.T) {
	entry := `{"time":"2026-11-23T04:00:00+01:00","node":"10.0.0.10","command":"kato start","status":"succeeded"}`
	for n, want := range map[int]string{50: "50 actions.", 51: "The last 50 of 51 actions."} {
		_, v := tell(t, testCluster(), "history", said{"kato:history": out("[" + strings.Repeat(entry+",", n-1) + strings.Replace(entry, "2026-11-23T04:00:00+01:00", "today", 1) + "]\n")})
		if v.Outcome != als.Succeeded || v.Whole != (n == 50) || v.Summary != want || strings.Count(v.Report, "2026-11-23 03:00:00 UTC") != 49 || strings.Count(v.Report, "today") != 1 {
			t.Errorf("%d: %t: %s\n%s", n, v.Whole, v.Summary, v.Report)
		}
	}
}
