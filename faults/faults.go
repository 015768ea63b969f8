// Package faults tests what alsbot promises when things break: it never loses
// or doubles a run, keeps its output whole and its exit status true. The
// package has no code of the product, only tests.
//
//	go test ./faults                          the short profile, also part of CI
//	make faults                               the whole list, under 25 minutes
//	make soak                                 the same with the counts for a release
//	go test ./faults -run 'TestFaults/F0[12]' some rows
//
// list_test.go has the list of faults, one line each; each fault is a function
// in a file of its own. The environment variable ALSBOT_FAULTS chooses the
// profile: short (the default), ci or soak. At the end the tests print a table,
// and write it to the file that ALSBOT_FAULTS_TABLE names.
//
// # How to write a fault
//
//	func netCut(t *testing.T, r *report) {
//		h := newTestbed(t, options{})  // nodes, workspace and config, no bot yet
//		h.start()                    // alsbot serve, a process of its own
//		id := h.ask(0)               // a run on cluster c0, accepted
//		h.kill()                     // kill -9
//		h.start()
//		r.trial(h.verify(id))        // waits for the end, then asks the oracle
//		r.figure("what was measured")
//	}
//
// The oracle is a kato that appends the ID of its run to a ledger, prints a
// byte stream that follows from the ID and ends with a status that follows from
// the ID too. So the test knows beforehand what must be in the store. The
// oracle answers `patch update`; package sim/node answers everything else.
//
// A fault that needs thousands of trials uses the engine or the executor in
// process instead of the bot; oracleArgv returns the oracle's command line.
package faults
