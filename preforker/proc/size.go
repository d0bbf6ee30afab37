package proc

// MB is a megabyte as "free -m" counts: every figure that the launcher prints is in these.
const MB = 1 << 20
