package als_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"alsbot/als"
)

// Data that earlier versions stored is read, and data is read as it was
// stored.
func TestStoredDataIsRead(t *testing.T) {
	for stored, want := range map[string]als.Data{
		`{"down":"1","roles":"1 of 13 roles: dea on 10.0.0.12 is FATAL."}`: {Roles: &als.RoleCount{Down: 1, Text: "1 of 13 roles: dea on 10.0.0.12 is FATAL."}},
		`{"waiting":"3","urgent":"1","severity-required":"1","severity-optional":"2","severity-unknown":"0"}`: {Patches: &als.PatchCount{
			Waiting: 3, Urgent: 1, Severities: map[string]int{"required": 1, "optional": 2, "unknown": 0}}},
		`{"down":"0","patches":"dea-memory","roles":"The only role runs.","waiting":"0","urgent":"0"}`: {
			Roles: &als.RoleCount{Text: "The only role runs."}, Patches: &als.PatchCount{Severities: map[string]int{}}},
		`{"maintenance":"on"}`: {Maintenance: "on"},
		`{"version":"3.4.2"}`:  {Version: "3.4.2"},
		`{"archive":"/mnt/nas/b.tgz","files":"12","sha256":"ab","size":"5000","verdict":"verified"}`: {Files: "12"},
		`{"archive":"","files":"","verdict":"failed","down":"many"}`:                                 {},
		`{}`: {},
	} {
		var got als.Verdict
		must(t, json.Unmarshal([]byte(`{"outcome":"succeeded","data":`+stored+`}`), &got))
		if !reflect.DeepEqual(got.Data, want) {
			t.Errorf("%s: got %+v", stored, got.Data)
		}
		b, err := json.Marshal(got)
		must(t, err)
		var again als.Verdict
		must(t, json.Unmarshal(b, &again))
		if !reflect.DeepEqual(again, got) {
			t.Errorf("%s: stored again as %s", stored, b)
		}
	}
}

// What a verification reads of the roles counts for monitoring only if it is of
// the whole cluster.
func TestAPartOfTheRolesIsNotCounted(t *testing.T) {
	t.Parallel()
	alone := testCluster()
	alone.Nodes = []als.Node{{IP: als.Core}}
	part, _, _ := strings.Cut(running, "Node 10.0.0.12")
	for name, tt := range map[string]struct {
		c     als.Cluster
		after string
		want  string
	}{
		"all":                {testCluster(), running, "All 13 roles on 4 nodes run."},
		"two of four nodes":  {testCluster(), part, ""},
		"a role is left out": {testCluster(), strings.Replace(running, "  mysql RUNNING\n", "", 1), ""},
		"no list of nodes":   {alone, part, ""},
	} {
		req, op := asked(t, "start router")
		plan := als.Plan{Operation: op.Name, Format: 1, Effect: als.Restart}
		v := op.Conclude(req, tt.c, plan, als.Results{{Key: "roles-after", Node: als.Core, Output: []byte(tt.after)}})
		got := ""
		if v.Data.Roles != nil {
			got = v.Data.Roles.Text
		}
		if got != tt.want {
			t.Errorf("%s: %q is counted", name, got)
		}
	}
}
