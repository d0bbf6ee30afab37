package ident

// MaxWorkers is the highest number of slots that a launcher has.
const MaxWorkers = 1024
