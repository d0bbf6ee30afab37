package proc

// Usage is what a process uses, or the sum of several, in bytes.
type Usage struct {
	PSS     uint64 `json:"pss"`     // each shared page divided by the number of processes that map it
	Private uint64 `json:"private"` // Private_Clean + Private_Dirty: nobody else maps it (USS)
	RSS     uint64 `json:"rss"`
	Swap    uint64 `json:"swap"` // SwapPss
}
