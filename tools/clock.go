package tools

import (
	"context"
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the image that bobbin runs in may have no zone files

	"bobbin/agent"
)

// zoneNames are the IANA zones of regions, without their historical aliases such as
// "US/Pacific", which load all the same. One a line, sorted.
//
//go:generate sh -c "unzip -Z1 \"$(go env GOROOT)/lib/time/zoneinfo.zip\" | grep -E '^(Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Europe|Indian|Pacific)/.*[^/]$' | LC_ALL=C sort > zones.txt"
//go:embed zones.txt
var zoneNames string

// CurrentTime makes the tool current_time. zone is the IANA name of the zone to show
// when the model names none; empty is UTC.
func CurrentTime(zone string) (agent.Tool, error) {
	if zone == "" {
		zone = "UTC"
	}
	home, err := time.LoadLocation(zone)
	if err != nil {
		return nil, fmt.Errorf("current_time: zone %q: %w", zone, err)
	}
	type args struct {
		Zone string `json:"zone,omitempty" jsonschema:"IANA time zone such as Europe/Berlin; leave out for the default"`
	}
	return Define(agent.ToolSpec{
		Name: "current_time",
		Description: "Tells the current date, weekday and time. Always use this when an answer depends on what time or day it is now; " +
			"the default time zone is " + zone + ".",
		Doing: "checking the time",
	}, func(_ context.Context, a args) (string, error) {
		at := home
		now := time.Now()
		if a.Zone = strings.TrimSpace(a.Zone); a.Zone != "" {
			var err error
			if at, err = findZone(a.Zone, now); err != nil {
				return "", err
			}
		}
		now = now.In(at)
		return fmt.Sprintf("It is %s in %s (%s).\nRFC 3339: %s",
			now.Format("Monday, 2 January 2006, 15:04:05"), at, offsetName(now), now.Format(time.RFC3339)), nil
	})
}

// offsetName is the zone's abbreviation, where it has one, and its offset.
func offsetName(t time.Time) string {
	abbr, _ := t.Zone()
	offset := "UTC" + t.Format("-07:00")
	if abbr == "" || abbr == offset || strings.ContainsAny(abbr[:1], "+-") {
		return offset
	}
	return abbr + ", " + offset
}

// findZone loads a zone by what a model may call it: an IANA name in any case, a city
// that names just one zone, or an offset from UTC. Its error is for the model.
func findZone(want string, now time.Time) (*time.Location, error) {
	if len(want) > 64 {
		return nil, fmt.Errorf("the zone's name is %d bytes long; use an IANA name such as Europe/Berlin", len(want))
	}
	if loc, ok := parseOffset(want); ok {
		return loc, nil
	}
	// "Local" would be the zone of the machine, which nobody in chat knows.
	if !strings.EqualFold(want, "local") {
		if loc, err := time.LoadLocation(want); err == nil {
			return loc, nil
		}
		if loc, err := time.LoadLocation(strings.ToUpper(want)); err == nil { // utc, gmt, est
			return loc, nil
		}
	}
	key := fold(want)
	var cities, near []string
	for z := range strings.Lines(zoneNames) {
		z = strings.TrimSpace(z)
		full := fold(z)
		city := full[strings.LastIndex(full, "/")+1:]
		switch {
		case full == key:
			return time.LoadLocation(z)
		case city == key:
			cities = append(cities, z)
		case len(key) >= 3 && (strings.Contains(full, key) || strings.HasPrefix(city, lastPart(key)[:min(3, len(lastPart(key)))])):
			near = append(near, z)
		}
	}
	if loc, err := oneZone(cities, now); loc != nil || err != nil {
		return loc, err
	}
	return nil, unknownZone(want, append(cities, near...))
}

// oneZone loads the zone that all names stand for, or nil if they keep different times.
func oneZone(names []string, now time.Time) (*time.Location, error) {
	var one *time.Location
	for _, n := range names {
		loc, err := time.LoadLocation(n)
		if err != nil {
			return nil, fmt.Errorf("loading zone %s: %w", n, err)
		}
		for month := 0; one != nil && month < 12; month++ {
			t := now.AddDate(0, month, 0)
			if t.In(one).Format(time.RFC3339) != t.In(loc).Format(time.RFC3339) {
				return nil, nil
			}
		}
		if one == nil {
			one = loc
		}
	}
	return one, nil
}

func unknownZone(want string, near []string) error {
	hint := "use the IANA name of the zone that the place is in, such as Europe/Berlin"
	if len(near) > 0 {
		slices.Sort(near)
		hint = "did you mean " + strings.Join(near[:min(5, len(near))], ", ") + "? Otherwise " + hint
	}
	return fmt.Errorf("there is no time zone %q; %s", want, hint)
}

// fold makes names comparable: "New York" and "america/new_york" share their end.
func fold(s string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimSpace(s)), " ", "_")
}

func lastPart(s string) string { return s[strings.LastIndex(s, "/")+1:] }

var offset = regexp.MustCompile(`^(?i:UTC|GMT)?\s*([+-])\s*(\d{1,2})(?::?([0-5]\d))?$`)

// parseOffset reads UTC+2, GMT-03:30 or +02:00. IANA's own Etc/GMT+2 means the
// opposite and is left to the zone files.
func parseOffset(s string) (*time.Location, bool) {
	m := offset.FindStringSubmatch(strings.ReplaceAll(s, "\u2212", "-"))
	if m == nil {
		return nil, false
	}
	hours, _ := strconv.Atoi(m[2]) // one or two digits
	minutes, _ := strconv.Atoi("0" + m[3])
	if hours > 14 || hours == 14 && minutes > 0 {
		return nil, false
	}
	seconds := hours*3600 + minutes*60
	if m[1] == "-" {
		seconds = -seconds
	}
	return time.FixedZone(fmt.Sprintf("UTC%s%02d:%02d", m[1], hours, minutes), seconds), true
}
