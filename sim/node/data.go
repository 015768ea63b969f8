package node

func dataCommands() []command { return nil }
