// Package faults proves what alsbot promises when things break: a run is
// never lost and never doubled, its output is whole and its exit status is
// the true one. It holds no code of the product, only its tests.
//
//	go test ./faults                          the short profile, also part of CI
//	make faults                               the whole list, under 25 minutes
//	make soak                                 the same with the counts for a release
//	go test ./faults -run 'TestFaults/F0[12]' some rows
//
// The list of faults is in list_test.go, one line each; each fault is a
// function in a file of its own. The environment variable ALSBOT_FAULTS
// chooses the profile: short (the default), ci or soak. At the end a table is
// printed, and written to the file that ALSBOT_FAULTS_TABLE names.
//
// # How to write a fault
//
//	func netCut(t *testing.T, r *report) {
//		h := newHouse(t, options{})  // nodes, workspace and config, no bot yet
//		h.start()                    // alsbot serve, a process of its own
//		id := h.ask(0)               // a run on cluster c0, accepted
//		h.kill()                     // kill -9
//		h.start()
//		r.trial(h.verify(id))        // waits for the end, then asks the oracle
//		r.figure("what was measured")
//	}
//
// The oracle is a kato that appends the ID of its run to a ledger, prints a
// byte stream that follows from the ID and ends with a status that follows
// from the ID too. So what must be in the store is known beforehand. It
// answers `patch update`; everything else is answered by package sim/node.
//
// A fault that needs thousands of trials takes the engine or the executor in
// process instead of the bot; oracleArgv is the oracle's command line.
package faults
