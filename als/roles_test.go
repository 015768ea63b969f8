package als_test

import (
	"fmt"
	"strings"
	"testing"

	"alsbot/als"
)

// Tests of start, stop and restart.

func TestTurns(t *testing.T) {
	all := kato{
		"core$ kato status": {running, 0},
		historyLine:         {started, 0},
		"core$ kato restart dea --node 10.0.0.12": {}, "core$ kato restart dea --node 10.0.0.13": {}, "core$ kato stop dea --node 10.0.0.12": {}, "core$ kato stop dea --node 10.0.0.13": {}, "core$ kato stop router": {},
		"core$ kato stop": {}, "core$ kato stop --node 10.0.0.11": {}, "core$ kato stop --node 10.0.0.12": {}, "core$ kato stop --node 10.0.0.13": {},
		"core$ kato start dea --node 10.0.0.12": {}, "core$ kato stop mysql --node 10.0.0.11": {},
	}
	restarted := func(entries ...string) kato {
		text := strings.TrimSuffix(started, "]")
		for i, e := range entries {
			command, status, _ := strings.Cut(e, ": ")
			text += fmt.Sprintf(`,{"time":"2026-11-23T04:00:0%dZ","command":%q,"status":%q}`, i, command, status)
		}
		return all.with(kato{historyLine: {text + "]", 0}})
	}
	const on12, on13 = "kato restart dea --node 10.0.0.12", "kato restart dea --node 10.0.0.13"
	both := restarted(on12+": succeeded", on13+": succeeded")
	stoppedAll := kato{"core$ kato status": {strings.ReplaceAll(running, "RUNNING", "STOPPED"), 0}}
	deaDown := status("dea", "STOPPED")
	busy := kato{"core" + psWords: {exporting, 0}}
	for _, tt := range []struct {
		name, text    string
		before, after kato
		outcome       als.Outcome
		summary       string
		finding       string
	}{
		{"restart", "restart dea", all, both, als.Succeeded, "Restarted, by kato's history; all 2 roles run.", "dea stops: the applications on those nodes stop"},
		{"restart, not up", "restart dea", all, both.with(status("dea", "FATAL")), als.Failed, "dea on 10.0.0.12 is FATAL", ""},
		{"restart, one node fails", "restart dea", all.with(kato{"core$ " + on12: {"Error: no route to host", 1}}), both, als.Failed, "Not restarted everywhere: restart roles on 10.0.0.12", ""},
		{"restart, both nodes fail", "restart dea", all.with(kato{"core$ " + on12: {"boom", 1}, "core$ " + on13: {"boom", 1}}), both, als.Failed, "not begun: restart roles on 10.0.0.13. All 2 roles run, perhaps since before.", ""},
		{"restart asks", "restart dea", all.with(kato{"core$ " + on13: {"[sudo] password for helion: ", 0}}), both, als.Failed, "restart roles on 10.0.0.13 on the core: something asked a person", ""},
		{"restart, one fails and one starts", "restart dea", all.with(kato{"core$ " + on13: {"boom", 1}}), both.with(status("dea", "STARTING")), als.Waiting, "restart roles on 10.0.0.13", ""},
		{"restart, a lie", "restart dea", all, all, als.Failed, "It cannot be confirmed that the roles were restarted: kato's history has 0 of 2 such commands since the run began.", ""},
		{"restart, half a lie", "restart dea", all, restarted(on12 + ": succeeded"), als.Failed, "has 1 of 2 such commands", ""},
		{"restart, denied", "restart dea", all, restarted(on12+": succeeded", on13+": failed"), als.Failed, "kato's history says that `" + on13 + "` failed", ""},
		{"restart, no history", "restart dea", all, all.with(kato{historyLine: {"Usage: kato", 1}}), als.Unconfirmed, "Not confirmed: kato did not complain, and all 2 roles run, but its history cannot be read", ""},
		{"restart, no history before", "restart dea", all.with(kato{historyLine: {"", 1}}), both, als.Unconfirmed, "Not confirmed: ", ""},
		{"restart, a strange history", "restart dea", all, restarted(on12+": succeeded", on13+": done"), als.Unconfirmed, "its history does not say what became of the restart", ""},
		{"restart, as often as before", "restart dea", restarted(on12+": succeeded", on13+": succeeded"), restarted(on12+": succeeded", on13+": succeeded"), als.Failed, "has 0 of 2 such commands", ""},
		{"restart, old entries went", "restart dea", restarted(on12+": succeeded", on13+": succeeded"), all.with(kato{historyLine: {`[{"time":"2026-11-23T04:00:01Z","command":"kato restart","status":"succeeded"},
{"time":"2026-11-23T05:00:00Z","command":"kato restart","status":"succeeded"},{"time":"2026-11-23T05:00:00Z","command":"kato restart","status":"succeeded"}]`, 0}}), als.Succeeded, "Restarted, by kato's history", ""},
		{"stop", "stop dea --node 10.0.0.12", all, deaDown, als.Succeeded, "Stopped: dea on 10.0.0.12", ""},
		{"stop, a lie", "stop dea --node 10.0.0.12", all, all, als.Failed, "Not stopped: dea on 10.0.0.12 is RUNNING", ""},
		{"stop, one of two", "stop dea", all, kato{"core$ kato status": {strings.Replace(running, "dea RUNNING", "dea STOPPED", 1), 0}}, als.Failed, "Not stopped: dea on 10.0.0.13 is RUNNING. Stopped: dea on 10.0.0.12.", ""},
		{"stop, unseen", "stop dea", all, kato{"core$ kato status": {"", 1}}, als.Unconfirmed, "Without a complaint, but unconfirmed: 10.0.0.12, 10.0.0.13.", ""},
		{"stop, a node does not answer", "stop dea", all, status("dea", "UNREACHABLE"), als.Failed, "It cannot be seen whether all has stopped: dea on 10.0.0.12 is UNREACHABLE", ""},
		{"restart, unseen", "restart dea", all, both.with(kato{"core$ kato status": {"", 1}}), als.Unconfirmed, "It cannot be confirmed that the roles restarted: ", ""},
		{"stop the router", "stop router", all, status("router", "STOPPING"), als.Waiting, "Still stopping", "no application can be reached from outside, until it is started again"},
		{"stop a shared process", "stop mysql", all, status("mysql", "STOPPED"), als.Succeeded, "Stopped: mysql", "redis_server belongs to mysql, and to postgresql, redis too"},
		{"stop everything", "stop", all, stoppedAll, als.Succeeded, "Stopped: ", "this is every role on all 4 nodes"},
		{"start", "start dea --node 10.0.0.12", all.with(deaDown), all, als.Succeeded, "The role runs", ""},
		{"somebody else's job, start", "start dea --node 10.0.0.12", all.with(deaDown).with(busy), all, als.Succeeded, "The role runs", "`kato data export` runs on the core already, as process 4712"},
		{"somebody else's job, stop", "stop dea --node 10.0.0.12", all.with(busy), all.with(deaDown), als.Succeeded, "Stopped", "`kato data export` runs on the core already"},
		{"somebody else's job, restart", "restart dea", all.with(busy), both, als.Succeeded, "Restarted", "`kato data export` runs on the core already"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			plan, v, err := drive(t, testCluster(), tt.text, tt.before, tt.after)
			if err != nil {
				t.Fatal(err)
			}
			if v.Outcome != tt.outcome || !strings.Contains(v.Summary, tt.summary) {
				t.Errorf("got %s: %s\nnext: %s", v.Outcome, v.Summary, v.Next.Text)
			}
			found := tt.finding == ""
			for _, f := range plan.Findings {
				found = found || strings.Contains(f.Text, tt.finding)
			}
			if !found {
				t.Errorf("findings: %+v", plan.Findings)
			}
		})
	}
	if got := planned(t, testCluster(), "stop", all); !strings.HasSuffix(strings.Split(got, "roles=")[0], "core$ kato stop\n") {
		t.Errorf("the core does not stop last:\n%s", got)
	}
	for text, want := range map[string]string{
		"start dea":                 "nothing: these roles run already",
		"stop dae":                  "no node of the cluster has the role dae. Did you mean dea?",
		"stop dea --node 10.0.0.11": "node 10.0.0.11 does not have the role dea",
		"stop dea --node 10.0.0.99": "no node 10.0.0.99",
		"restart data-services":     "roles=filesystem on 10.0.0.11; mysql on 10.0.0.11; postgresql on 10.0.0.11; redis on 10.0.0.11",
	} {
		if got := planned(t, testCluster(), text, all); !strings.Contains(got, want) {
			t.Errorf("%s: want %q in:\n%s", text, want, got)
		}
	}
}
