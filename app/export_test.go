package app

// Ownership lets tests call ownership directly: as root, they meet no
// permission error.
var Ownership = ownership

// Account lets tests say what the kernel knows of a process.
var Account = account
