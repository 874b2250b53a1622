package main

import (
	"runtime"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"testing"
)

func TestRoomBetweenCollectionsIsAboutTheSameHoweverMuchIsInUse(t *testing.T) {
	for live, want := range map[uint64]int{
		0: mostPercent, 1 << 20: mostPercent, collectRoom / 2: mostPercent, collectRoom: 100, 2 * collectRoom: 50, 4 * collectRoom: 25, 1 << 40: leastPercent,
	} {
		if got := percentOf(live); got != want {
			t.Errorf("with %d bytes in use it is %d %%, want %d %%", live, got, want)
		}
	}
}

func TestCollectorIsPacedByWhatIsInUse(t *testing.T) {
	t.Setenv("GOGC", "") // nor does another test run meanwhile, which would have its own in use
	before := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	if !paceCollector() {
		t.Error("it is left alone")
	}
	much := make([]byte, 8*collectRoom)
	for n := 0; ; n++ {
		runtime.GC()
		gogc := []runtimemetrics.Sample{{Name: "/gc/gogc:percent"}}
		if runtimemetrics.Read(gogc); gogc[0].Value.Uint64() == leastPercent {
			break
		}
		if n == 1000 {
			t.Fatalf("after %d collections it is at %d %%", n, gogc[0].Value.Uint64())
		}
	}
	runtime.KeepAlive(much)
}

func TestCollectorIsLeftAloneIfTheAdminHasPacedIt(t *testing.T) {
	t.Setenv("GOGC", "77")
	if paceCollector() {
		t.Error("it is paced anew")
	}
}
