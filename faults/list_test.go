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
	}
}
