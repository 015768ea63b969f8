package app

// Ownership is for the tests: root, who may run them, is refused nothing.
var Ownership = ownership
