package als_test

import (
	"errors"
	"fmt"

	"alsbot/als"
)

func ExampleParse() {
	req, err := als.Parse(`patch install dea-memory --no-restart --reason "ticket 4711" @prod`, als.Operations)
	fmt.Println(req.Operation, req.Args, req.Has("no-restart"), req.Cluster, err)
	fmt.Println(als.Command(req))

	var refusal *als.Refusal
	_, err = als.Parse("patch instal @prod", als.Operations)
	fmt.Println(errors.As(err, &refusal), err)
	// Output:
	// patch install [dea-memory] true prod <nil>
	// patch install dea-memory --no-restart --reason "ticket 4711" @prod
	// true there is no command "patch instal". Did you mean patch install or patch reinstall?
}

// A plan is made from a request, a cluster and the results of the checks. It is
// data: nothing has run on a node but the checks.
func ExampleOperation_plan() {
	cluster := als.Cluster{Name: "prod", Kato: "kato", Generation: als.ALS13, Nodes: []als.Node{
		{IP: "10.0.0.10", Roles: []string{"base", "primary", "router"}},
		{IP: "10.0.0.12", Roles: []string{"base", "dea"}},
	}}
	answers := map[string]string{ // by the key of the step
		"roles":   "Node 10.0.0.10\n  base RUNNING\n  primary RUNNING\n  router RUNNING\nNode 10.0.0.12\n  base RUNNING\n  dea RUNNING\n",
		"history": "[]\n",
		"jobs":    "    1 /sbin/init\n",
	}
	req, _ := als.Parse("restart dea @prod", als.Operations)
	op, _ := als.Operations.Find(req.Operation)
	checks, _ := op.Checks(req, cluster)
	var seen als.Results
	for _, step := range checks {
		r := step.Result()
		r.Output = []byte(answers[step.Key])
		seen = append(seen, r)
	}
	plan, err := op.Plan(req, cluster, seen)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(plan.Effect, plan.Findings[0].Text)
	fmt.Println(plan.Text())
	// Output:
	// restart dea stops: the applications on that node stop; others must have room for them, while it restarts
	// roles  dea on 10.0.0.12
	// 1. restart roles on 10.0.0.12, on core
	//    kato restart dea --node 10.0.0.12
	// Then it is verified:
	//  - list the roles again, on core
	//  - read kato's history again, on core
	//
	// It has not succeeded on this cluster before, so there is no telling how long it takes.
	// Checked: kato is doing nothing else there.
}
