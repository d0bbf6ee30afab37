package preforker

import (
	"testing"

	"launcher/preforker/linux"
)

func TestDescriptorsAreCounted(t *testing.T) {
	limit, err := linux.DescriptorLimit()
	if err != nil {
		t.Fatal(err)
	}
	most := (int(limit) - descriptorsBesides) / descriptorsPerWorker
	if err := checkDescriptors(most); err != nil {
		t.Errorf("%d workers: %v", most, err)
	}
	if err := checkDescriptors(most + 1); err == nil {
		t.Errorf("%d workers fit into %d open files", most+1, limit)
	}
}
