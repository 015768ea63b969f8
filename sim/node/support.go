package node

func supportCommands() []command { return nil }
