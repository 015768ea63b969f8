package node

func configCommands() []command { return nil }
