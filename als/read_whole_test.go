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

// A role is no healthier than the processes below it. Processes below a role
// that the node does not have belong to no role.
func TestStatusOfProcesses(t *testing.T) {
	for below, want := range map[string]als.Condition{"router2g: RUNNING": "RUNNING", "router2g: FATAL": "FATAL", "router2g: STARTING": "STARTING"} {
		text := "Node 10.0.0.1\n  router RUNNING\n    " + below + "\n    other: RUNNING\n  dea not configured\n    dea_ng: STOPPED\n"
		got, err := als.ReadStatus([]byte(text))
		if err != nil || !reflect.DeepEqual(got, als.Status{"10.0.0.1": {"router": want}}) {
			t.Errorf("%s: %+v, %v", below, got, err)
		}
	}
}
