package sandbox

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// aiTopic is what the stand-in makes of one message: words, or calls whose results
// become words. The Args of a call are a bare value.
type aiTopic struct {
	text  string
	calls []AICall
	idle  bool // text is what is said when there is nothing to say
}

var (
	aiAsksTime = regexp.MustCompile(`(?i)\bwhat(?:'s|’s| is)? (?:the )?(?:current |local |exact )?(?:time|date|day)\b|\btime is it\b|\bhow late\b|` +
		`\b(?:current|local) (?:time|date)\b|\b(?:tell|give|show) (?:me|us) the (?:time|date)\b|\btime (?:in|now|right now|there)\b|^(?:time|date)\b|\bwhat year\b`)
	aiAsksOn   = regexp.MustCompile(`(?i)^\W*(?:and|what about|how about|or|also)\b`)
	aiZone     = regexp.MustCompile(`\b(?:Africa|America|Antarctica|Asia|Atlantic|Australia|Europe|Indian|Pacific|Etc)/[A-Za-z_]+(?:/[A-Za-z_]+)?\b`)
	aiURL      = regexp.MustCompile("https?://[^\\s<>\"'`)\\]|]+")
	aiWho      = regexp.MustCompile(`(?i)\b(?:who|what) (?:are|r) (?:you|u)\b|\bare you (?:a|an|the|real|human|alive|chatgpt|gpt)|\b(?:which|what) (?:language )?model\b|\bintroduce yourself\b`)
	aiHello    = regexp.MustCompile(`(?i)^\W*(?:hi|hello|hey|howdy|good (?:morning|afternoon|evening)|moin|hallo)\b[^?]{0,30}$`)
	aiThanks   = regexp.MustCompile(`(?i)\b(?:thanks|thank you|thx|cheers)\b`)
	aiHelp     = regexp.MustCompile(`(?i)^\W*help\W*$|\bwhat can (?:you|u) do\b|\bhow (?:do|can) i use\b`)
	aiLong     = regexp.MustCompile(`(?i)\blong(?:er|est)?\b`)
	aiMarkdown = regexp.MustCompile(`(?i)\bmarkdown\b|\btable\b|\bformatting\b`)
	aiCode     = regexp.MustCompile(`(?i)\b(?:code|function|program|snippet)\b`)
	aiDraws    = regexp.MustCompile(`(?i)\b(?:draw|paint|sketch|(?:picture|image|drawing|painting|photo) of)\s+(?:me\s+|us\s+)?(?:(?:a|the)\s+(?:picture|image|drawing|painting|photo)\s+of\s+)?([^\n.?!]{2,300})`)
	aiMakes    = regexp.MustCompile(`(?i)\b(?:write|show|give|make|tell|send|print|need|want|answer|long|try|example)\b`)
)

// aiPlaces maps places to their zones. The daemon's tool knows all zones; these are
// for people who name a city.
var aiPlaces = map[string]string{
	"amsterdam": "Europe/Amsterdam", "athens": "Europe/Athens", "auckland": "Pacific/Auckland", "bangkok": "Asia/Bangkok",
	"beijing": "Asia/Shanghai", "berlin": "Europe/Berlin", "bombay": "Asia/Kolkata", "boston": "America/New_York",
	"brussels": "Europe/Brussels", "buenos aires": "America/Argentina/Buenos_Aires", "cairo": "Africa/Cairo",
	"chicago": "America/Chicago", "copenhagen": "Europe/Copenhagen", "delhi": "Asia/Kolkata", "denver": "America/Denver",
	"dubai": "Asia/Dubai", "dublin": "Europe/Dublin", "germany": "Europe/Berlin", "gmt": "UTC", "helsinki": "Europe/Helsinki",
	"hong kong": "Asia/Hong_Kong", "honolulu": "Pacific/Honolulu", "india": "Asia/Kolkata", "istanbul": "Europe/Istanbul",
	"japan": "Asia/Tokyo", "johannesburg": "Africa/Johannesburg", "kathmandu": "Asia/Kathmandu", "kyiv": "Europe/Kyiv",
	"lagos": "Africa/Lagos", "lisbon": "Europe/Lisbon", "london": "Europe/London", "los angeles": "America/Los_Angeles",
	"madrid": "Europe/Madrid", "mexico city": "America/Mexico_City", "moscow": "Europe/Moscow", "mumbai": "Asia/Kolkata",
	"munich": "Europe/Berlin", "nairobi": "Africa/Nairobi", "new york": "America/New_York", "nyc": "America/New_York",
	"oslo": "Europe/Oslo", "paris": "Europe/Paris", "prague": "Europe/Prague", "rome": "Europe/Rome",
	"san francisco": "America/Los_Angeles", "são paulo": "America/Sao_Paulo", "sao paulo": "America/Sao_Paulo",
	"seattle": "America/Los_Angeles", "seoul": "Asia/Seoul", "shanghai": "Asia/Shanghai", "singapore": "Asia/Singapore",
	"stockholm": "Europe/Stockholm", "sydney": "Australia/Sydney", "tokyo": "Asia/Tokyo", "toronto": "America/Toronto",
	"utc": "UTC", "vancouver": "America/Vancouver", "vienna": "Europe/Vienna", "warsaw": "Europe/Warsaw", "zurich": "Europe/Zurich",
}

var aiPlace = func() *regexp.Regexp {
	names := make([]string, 0, len(aiPlaces))
	for name := range aiPlaces {
		names = append(names, regexp.QuoteMeta(name))
	}
	slices.Sort(names)
	return regexp.MustCompile(`(?i)\b(?:` + strings.Join(names, "|") + `)\b`)
}()

// aiTopicOf decides what a message is about.
func aiTopicOf(t aiTalk, at int) aiTopic {
	text := t.said[at].text
	if t.said[at].file != "" {
		return aiTopic{text: aiFileWords(t.said[at])}
	}
	if said, ok := aiSummary(t, at); ok {
		return aiTopic{text: said}
	}
	if said, ok := aiMemory(t, at); ok {
		return aiTopic{text: said}
	}
	if aiWho.MatchString(text) {
		return aiTopic{text: "I am a stand-in for a language model. Nobody is thinking here: I look for a few words in what you write, and the daemon around me does the rest for real. " +
			"Give bobbin Cloudflare credentials, or the address of an OpenAI-compatible server, and a real model takes my place."}
	}
	var topic aiTopic
	if urls := aiURL.FindAllString(text, 3); len(urls) > 0 {
		for _, u := range urls {
			topic.calls = append(topic.calls, AICall{"fetch_url", strings.TrimRight(u, ".,;:!?")})
		}
		return topic
	}
	if what := aiDraws.FindStringSubmatch(text); what != nil {
		return aiTopic{calls: []AICall{{"make_image", strings.TrimSpace(what[1])}}}
	}
	if aiAboutTime(t, at) {
		for _, zone := range aiZones(text) {
			topic.calls = append(topic.calls, AICall{"current_time", zone})
		}
		if len(topic.calls) == 0 {
			topic.calls = []AICall{{Name: "current_time"}}
		}
	}
	for _, sum := range aiExpressions(text) {
		topic.calls = append(topic.calls, AICall{"calculate", sum})
	}
	if len(topic.calls) > 0 {
		return topic
	}
	said, idle := aiWords(t, at)
	return aiTopic{text: said, idle: idle}
}

// aiAboutTime reports whether a message asks for a time, perhaps by going on from one
// that did.
func aiAboutTime(t aiTalk, at int) bool {
	text := t.said[at].text
	if t.said[at].file != "" {
		return false
	}
	if aiAsksTime.MatchString(text) {
		return true
	}
	return at > 0 && aiAsksOn.MatchString(text) && len(aiZones(text)) > 0 && aiAboutTime(t, at-1)
}

// aiZones finds the zones that a text names, at most five, in its order.
func aiZones(text string) []string {
	type found struct {
		at   int
		zone string
	}
	var all []found
	for _, loc := range aiZone.FindAllStringIndex(text, -1) {
		all = append(all, found{loc[0], text[loc[0]:loc[1]]})
	}
	for _, loc := range aiPlace.FindAllStringIndex(aiZone.ReplaceAllStringFunc(text, func(z string) string { return strings.Repeat("-", len(z)) }), -1) {
		all = append(all, found{loc[0], aiPlaces[strings.ToLower(text[loc[0]:loc[1]])]})
	}
	slices.SortFunc(all, func(a, b found) int { return a.at - b.at })
	var zones []string
	for _, f := range all {
		if !slices.Contains(zones, f.zone) && len(zones) < 5 {
			zones = append(zones, f.zone)
		}
	}
	return zones
}

// aiWords is the answer to a message that needs neither tools nor memory. It is idle if the
// message asks for nothing that the stand-in knows.
func aiWords(t aiTalk, at int) (said string, idle bool) {
	text := t.said[at].text
	makes := aiMakes.MatchString(text)
	switch {
	case makes && aiLong.MatchString(text):
		return aiLongText(strings.Contains(strings.ToLower(text), "very long")), false
	case makes && aiMarkdown.MatchString(text):
		return aiMarkdownText, false
	case makes && aiCode.MatchString(text):
		return aiCodeText, false
	case aiHello.MatchString(text):
		if who := t.said[at].who; who != "" {
			return fmt.Sprintf("Hello, %s! %s", who, aiTry), false
		}
		return "Hello! " + aiTry, false
	case aiHelp.MatchString(text):
		return aiTry, false
	case aiThanks.MatchString(text):
		return "You are welcome.", false
	case text == "":
		return "That was an empty message. " + aiTry, true
	}
	heard := strings.Join(strings.Fields(text), " ")
	if runes := []rune(heard); len(runes) > 160 {
		heard = string(runes[:160]) + "…"
	}
	return fmt.Sprintf("You wrote: “%s”. A real model would have something to say about that; I will remember it. %s", heard, aiTry), true
}

const aiTry = "Try *what time is it in Tokyo and Berlin?*, *what is 0.1 + 0.2?*, *what did I say first?*, *show me Markdown*, *show me code*, *draw a fox* or *write a long answer*."
