package faults

// list is the fault list. Trials are those of the profiles short, ci and soak.
func list() []fault {
	return []fault{
		{id: "F01", what: "`kill -9` of the bot at random moments", run: killed, alone: true, trials: [3]int{12, 200, 3000},
			limit: "0 lost, 0 doubled, output and status true; ready <= 2 s with 10,000 runs, reattached <= 5 s (p95)"},
		{id: "F02", what: "death at every named place: commits, sends, replies, output, posts", run: crashed, trials: [3]int{1, 10, 100},
			limit: "0 lost, 0 doubled, output and status true; a message twice only where Slack's answer was not noted"},
		{id: "F03", what: "the answer to a start lost, every run started three times at once, over OpenSSH", run: lostReply, trials: [3]int{12, 150, 3000},
			limit: "0 doubled, 0 missing"},
		{id: "F04", what: "the network breaks in the middle of runs, over OpenSSH: silence, reset, one direction, late and lossy", run: netCut, trials: [3]int{2, 5, 50},
			limit: "output the same to the byte; noticed <= 15.5 s; back <= 5 s after healing (p95); never failed"},
		{id: "F05", what: "sshd hangs: after accept, after its banner, in the key exchange, in the login, before a session, before an answer", run: hung, alone: true, trials: [3]int{1, 3, 50},
			limit: "each call returns <= 31 s; goroutines back to base +-5; another node's p95 at most 20 % and 20 ms more"},
		{id: "F06", what: "sshd and all its sessions killed, and started again", run: sshDown, trials: [3]int{4, 20, 200},
			limit: "the run is not touched; as F04"},
		{id: "F07", what: "the node reboots during the run, and after its end before the bot has read it", run: reboot, trials: [3]int{4, 12, 52},
			limit: "lost in words, or the true status; never begun again; the line stays closed until a person acknowledges"},
		{id: "F08", what: "the wrapper's number given to another process; a zombie; killed while the command goes on", run: wrapper, trials: [3]int{2, 20, 100},
			limit: "never running for a stranger; an orphan is shown as one and read to its last byte"},
		{id: "F09", what: "the node's disk full before a start, without inodes, and full during the output", run: nodeDisk, trials: [3]int{1, 5, 20},
			limit: "refused and not begun, the file system named; a run that goes on keeps its true status"},
		{id: "F29", what: "SIGTERM while runs go on, and the next start", run: sigterm, trials: [3]int{2, 20, 100},
			limit: "exit <= 5 s; no effect on the runs"},
		{id: "F31", what: "a cancel races the start; cancels of what goes on, ignores TERM, has ended", run: cancelRace, trials: [3]int{20, 150, 3000},
			limit: "revoked or begun, never both or neither; nothing of the command left after grace + 2 s"},
		{id: "F34", what: "a second bot on the same store; another store on the same nodes", run: second, trials: [3]int{1, 3, 3},
			limit: "the second ends <= 2 s and names the first; the foreign one is refused"},
		{id: "F36", what: "10,000 finished runs on a node, and a duplicate start after the clean-up", run: manyRuns, alone: true, trials: [3]int{3, 20, 20},
			limit: "a start takes <= 100 ms more; begun again 0 times"},
	}
}
