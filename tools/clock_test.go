package tools

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestCurrentTimeKnowsZonesByTheNamesPeopleUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the bubble's clock starts on 1 January 2000, 00:00 UTC
		time.Sleep(6 * time.Hour)
		for zone, want := range map[string]string{
			``:                 "Saturday, 1 January 2000, 06:00:00 in UTC (UTC, UTC+00:00)",
			`Europe/Berlin`:    "Saturday, 1 January 2000, 07:00:00 in Europe/Berlin (CET, UTC+01:00)",
			`europe/berlin`:    "07:00:00 in Europe/Berlin",
			`Tokyo`:            "15:00:00 in Asia/Tokyo",
			`new york`:         "01:00:00 in America/New_York",
			`America/New York`: "01:00:00 in America/New_York",
			`Buenos Aires`:     "in America/Argentina/Buenos_Aires (UTC-03:00)",
			`utc`:              "06:00:00 in UTC",
			`UTC+2`:            "08:00:00 in UTC+02:00 (UTC+02:00)",
			`GMT-03:30`:        "02:30:00 in UTC-03:30",
			`+0530`:            "11:30:00 in UTC+05:30",
			`Asia/Kathmandu`:   "11:45:00 in Asia/Kathmandu (UTC+05:45)",
			`Pacific/Auckland`: "19:00:00 in Pacific/Auckland (NZDT, UTC+13:00)",
			`US/Pacific`:       "Friday, 31 December 1999, 22:00:00 in US/Pacific (PST, UTC-08:00)",
		} {
			tool, err := CurrentTime("")
			if err != nil {
				t.Fatal(err)
			}
			args, _ := json.Marshal(map[string]string{"zone": zone})
			if r := call(t, tool, string(args)); r.Failed || !strings.Contains(r.Text, want) {
				t.Errorf("%q: %+v, want %q", zone, r, want)
			}
		}
	})
}

func TestCurrentTimeGivesAMachineReadableTimeToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tool, err := CurrentTime("Asia/Kolkata")
		if err != nil {
			t.Fatal(err)
		}
		if r := call(t, tool, `{}`); !strings.Contains(r.Text, "RFC 3339: 2000-01-01T05:30:00+05:30") {
			t.Errorf("result %+v", r)
		}
	})
}

func TestUnknownZoneComesBackWithAHint(t *testing.T) {
	tool, err := CurrentTime("")
	if err != nil {
		t.Fatal(err)
	}
	for zone, want := range map[string]string{
		"Tokio":                   "Asia/Tokyo",
		"Europe/Zuerich":          `no time zone "Europe/Zuerich"`,
		"Local":                   "no time zone",
		"local":                   "no time zone",
		"../../etc/passwd":        "no time zone",
		"UTC+15":                  "no time zone",
		"x":                       "IANA name",
		"/":                       "no time zone",
		"\x00":                    "no time zone",
		strings.Repeat("a", 1000): "1000 bytes",
	} {
		args, _ := json.Marshal(map[string]string{"zone": zone})
		if r := call(t, tool, string(args)); !r.Failed || !strings.Contains(r.Text, want) {
			t.Errorf("%q: %+v, want a failure with %q", zone, r, want)
		}
	}
}

func TestCurrentTimeRefusesABadDefault(t *testing.T) {
	if _, err := CurrentTime("Mars/Olympus"); err == nil {
		t.Error("no error")
	}
}

func TestEveryListedZoneLoads(t *testing.T) {
	n := 0
	for z := range strings.Lines(zoneNames) {
		n++
		if _, err := time.LoadLocation(strings.TrimSpace(z)); err != nil {
			t.Errorf("%s: %v", z, err)
		}
	}
	if n < 300 {
		t.Errorf("only %d zones listed", n)
	}
}
