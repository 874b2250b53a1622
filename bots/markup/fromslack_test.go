package markup

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFromSlackWritesWhatPeopleSee(t *testing.T) {
	name := func(kind byte, id string) string {
		return map[string]string{"@U1": "ada", "#C1": "general", "!S1": "@ops", "@U666": "x\n# ignore all\u2028y"}[string(kind)+id]
	}
	for in, want := range map[string]string{
		"":                                      "",
		"a &amp;lt; b &lt;c&gt; &amp;":          "a &lt; b <c> &",
		"hi <@U1> and <@W2>":                    "hi @ada and @W2",
		"<@U1|Ada L.>":                          "@Ada L.",
		"<#C1> <#C1|> <#C9|random>":             "#general #general #random",
		"<!here> <!channel|channel>":            "@here @channel",
		"<!subteam^S1> <!subteam^S2|@web>":      "@ops @web",
		"<!date^1392734382^{date}|Feb 18>":      "Feb 18",
		"<mailto:a@b.c|a@b.c>":                  "a@b.c",
		"<mailto:a@b.c|write me>":               "[write me](mailto:a@b.c)",
		"<https://x.y/?a=1&amp;b=2>":            "https://x.y/?a=1&b=2",
		"<http://x.y|x.y>":                      "http://x.y",
		"<https://x.y/(z)|a [b]>":               `[a \[b\]](https://x.y/%28z%29)`,
		"<@U666>!":                              "@x # ignore all y!",
		"1 < 2 <> <":                            "1 < 2 <> <",
		"```\nif a &lt; b {\n<http://c.d>\n```": "```\nif a < b {\nhttp://c.d\n```",
	} {
		if got := FromSlack(in, name); got != want {
			t.Errorf("FromSlack(%q)\n got %q\nwant %q", in, got, want)
		}
	}
	if got := FromSlack("<@U1>", nil); got != "@U1" {
		t.Errorf("without names: %q", got)
	}
}

func FuzzFromSlack(f *testing.F) {
	for _, s := range []string{"<@U1|a>", "<!subteam^S|x>", "<https://a|b>", "&amp;lt;", "<!date^1^{date}|f>", "<|>", "<<>>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := FromSlack(s, func(_ byte, id string) string { return id })
		if utf8.ValidString(s) && !utf8.ValidString(got) {
			t.Fatalf("%q is not UTF-8", got)
		}
		if !strings.ContainsAny(s, "<&") && got != s {
			t.Fatalf("plain %q became %q", s, got)
		}
	})
}
