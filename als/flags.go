package als

// Flags that several families take.

const flagNode = "node"

// nodeFlag returns the --node flag of an operation that only reads.
func nodeFlag(help string) []Flag { return []Flag{{Name: flagNode, Kind: KindIP, Help: help}} }

func withNode(r Request, argv ...string) []string {
	if r.Has(flagNode) {
		argv = append(argv, "--node", r.Flag(flagNode))
	}
	return argv
}
