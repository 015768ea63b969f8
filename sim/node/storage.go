package node

func storageCommands() []command { return nil }
