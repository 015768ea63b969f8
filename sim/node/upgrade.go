package node

func upgradeCommands() []command { return nil }
