package strict_test

import (
	"testing"
	"time"

	"github.com/support-go/support/internal/strict"
)

// TestTimelineStaysBounded writes over a week, in two timelines of different
// lengths, and wants every count to be where it belongs.
func TestTimelineStaysBounded(t *testing.T) {
	var long, short strict.Timeline
	const week = 7 * 24 * time.Hour
	for at := time.Duration(0); at < week; at += time.Minute {
		slot := long.At(at)
		slot.Counts[strict.Answered]++
		slot.Max = max(slot.Max, at)
	}
	short.At(time.Second).Counts[strict.Lost]++
	short.Merge(&long)
	if len(short.Slots) > 6000 || short.Width != long.Width || short.Width < week/6000 {
		t.Errorf("%d slots of %v", len(short.Slots), short.Width)
	}
	if short.Slots[0].Counts[strict.Lost] != 1 {
		t.Errorf("first slot holds %v, want one lost", short.Slots[0].Counts)
	}
	var sum strict.Counts
	for i, slot := range short.Slots {
		sum.Add(slot.Counts)
		if begin := time.Duration(i) * short.Width; slot.Max != 0 && (slot.Max < begin || slot.Max >= begin+short.Width) {
			t.Errorf("slot from %v holds what was at %v", begin, slot.Max)
		}
	}
	if want := int64(week / time.Minute); sum[strict.Answered] != want {
		t.Errorf("%d answers in all slots, want %d", sum[strict.Answered], want)
	}
	var other strict.Timeline
	other.At(0).Counts[strict.Hung]++
	short.Merge(&other)
	if short.Slots[0].Counts[strict.Hung] != 1 {
		t.Error("a shorter timeline was not merged into a longer one")
	}
}
