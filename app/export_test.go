package app

// Ownership lets tests call ownership directly: as root, they meet no
// permission error.
var Ownership = ownership
