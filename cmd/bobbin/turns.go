package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"bobbin/agent"
)

type turnsCmd struct {
	List  turnsListCmd  `cmd:"" default:"withargs" help:"List the turns that are under way or wait, or with --failed those that were given up."`
	Show  turnsShowCmd  `cmd:"" help:"Show what a turn that was given up should have answered, and the answer as far as it came."`
	Retry turnsRetryCmd `cmd:"" help:"Answer once more what a turn that was given up should have answered."`
}

type turnsListCmd struct {
	Failed bool   `help:"List the turns that were given up."`
	Config string `help:"The configuration." default:"config.yaml" placeholder:"FILE"`
}

// Run lists turns, oldest first.
func (cmd turnsListCmd) Run(c console) error {
	return atDesk(c, cmd.Config, func(d desk) error {
		lines, err := d.turns(c.ctx, cmd.Failed)
		if err != nil {
			return err
		}
		return printTurns(c.stdout, lines, cmd.Failed)
	})
}

func printTurns(to io.Writer, lines []turnLine, failed bool) error {
	what := map[bool]string{false: "nothing waits for an answer", true: "no turn was given up"}[failed]
	if len(lines) == 0 {
		_, err := fmt.Fprintln(to, what)
		return err
	}
	slices.SortStableFunc(lines, func(a, b turnLine) int { return a.At.Compare(b.At) })
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TURN\tSINCE\tSESSION\tATTEMPT\tMESSAGES\t"+map[bool]string{false: "STATE", true: "WHY"}[failed]+"\tFIRST MESSAGE")
	for _, l := range lines {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%s\t%s\n", cmp.Or(plain(string(l.ID)), "-"), l.At.Local().Format(time.DateTime),
			plain(string(l.Session)), l.Attempt, l.Messages, firstWords(l.State), firstWords(l.Said))
	}
	return w.Flush()
}

// firstWords is the beginning of a text as it may be shown in a terminal.
func firstWords(text string) string {
	const most = 60
	words := []rune(plain(strings.Join(strings.Fields(text[:min(len(text), 8*most)]), " ")))
	if len(words) > most {
		return string(words[:most-1]) + "…"
	}
	return string(words)
}

// plain leaves out what a terminal might obey, or what changes the order of letters.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r != unicode.ReplacementChar && unicode.IsPrint(r) {
			return r
		}
		return -1
	}, text)
}

type turnsShowCmd struct {
	ID     string `arg:"" help:"The turn, as bobbin turns --failed shows it."`
	Config string `help:"The configuration." default:"config.yaml" placeholder:"FILE"`
}

// Run shows all of a turn that was given up.
func (cmd turnsShowCmd) Run(c console) error {
	return atDesk(c, cmd.Config, func(d desk) error {
		s, err := d.show(c.ctx, agent.TurnID(cmd.ID))
		if err != nil {
			return err
		}
		return printStory(c.stdout, s)
	})
}

func printStory(to io.Writer, s turnStory) error {
	fmt.Fprintf(to, "turn %s in %s was given up at %s: %s\n", plain(string(s.ID)), plain(string(s.Session)), s.At.Local().Format(time.DateTime), plain(s.State))
	for _, said := range s.Inbound {
		fmt.Fprintf(to, "\n%s wrote at %s:\n%s\n", plain(cmp.Or(said.Author.Name, said.Author.ID)), said.Sent.Local().Format(time.DateTime), indented(said.Text))
	}
	_, err := fmt.Fprintf(to, "\nthe answer, as far as it came:\n%s\n", indented(cmp.Or(s.Text, "(nothing)")))
	return err
}

// indented is a text of several lines as it may be shown in a terminal.
func indented(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines {
		lines[i] = "  " + plain(strings.ReplaceAll(line, "\t", "    "))
	}
	return strings.Join(lines, "\n")
}

type turnsRetryCmd struct {
	ID     string `arg:"" help:"The turn, as bobbin turns --failed shows it."`
	Config string `help:"The configuration." default:"config.yaml" placeholder:"FILE"`
}

// Run puts a turn's messages back. A running daemon answers them at once, another one when
// it starts.
func (cmd turnsRetryCmd) Run(c console) error {
	return atDesk(c, cmd.Config, func(d desk) error {
		if err := d.retry(c.ctx, agent.TurnID(cmd.ID)); err != nil {
			return err
		}
		when := "now"
		if _, stopped := d.(storeDesk); stopped {
			when = "when bobbin runs again"
		}
		_, err := fmt.Fprintf(c.stdout, "turn %s is answered once more %s\n", plain(cmd.ID), when)
		return err
	})
}
