package discord

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"bobbin/bots"
	"bobbin/bots/sandbox"
)

func manyModels() (models []string) {
	for i := range 40 {
		models = append(models, fmt.Sprintf("@cf/maker/model-%02d", i))
	}
	return append(models, "", strings.Repeat("x", maxChoice+1))
}

func someCommands() []Command {
	return []Command{
		{Name: "ask", Summary: "ask me something", Argument: "text", Required: true},
		{Name: "usage", Summary: strings.Repeat("what it cost ", 20)},
		{Name: "model", Summary: "show or pick the model", Argument: "model", Choices: []string{"@cf/maker/small", "@cf/maker/large", ""}},
		{Name: "any", Summary: "pick one of many", Argument: "model", Choices: manyModels()},
		{Name: "forget", Summary: "erase what you said", Argument: "what"},
		{Name: "close", Summary: "ends all", Admin: true},
	}
}

func TestCommandsAreOfferedAsTheyAreDefined(t *testing.T) {
	bubble(t, setup{opts: Options{Commands: someCommands()}}, func(r *rig) {
		names := func(user string) (names []string) {
			list, err := r.fake.CommandsFor(user, "general")
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range list {
				names = append(names, c.Name)
				if len([]rune(c.Description)) > maxDescription {
					t.Errorf("%s is described with %d characters", c.Name, len(c.Description))
				}
			}
			return names
		}
		if got, want := names("ada"), []string{"ask", "usage", "model", "any", "forget", menuAsk, menuSummarise}; !slices.Equal(got, want) {
			t.Errorf("offered are %q, want %q", got, want)
		}
		if err := r.fake.Grant("ada", sandbox.DiscordManageGuild); err != nil {
			t.Fatal(err)
		}
		if got := names("ada"); !slices.Contains(got, "close") {
			t.Errorf("an admin is offered %q", got)
		}
		for _, name := range []string{"close", "usage"} {
			r.command("general", name, nil)
			if e := r.one(); e.Permitted != (name == "close") {
				t.Errorf("%s is permitted by Discord: %v", name, e.Permitted)
			}
		}
		before := r.fake.Calls(fakeCommands)
		if err := r.bot.registerOnce(r.ctx); err != nil || r.fake.Calls(fakeCommands) != before {
			t.Errorf("registered again without need: %v", err)
		}
	})
}

func TestASummaryForAdminsIsPermittedByDiscordToo(t *testing.T) {
	commands := []Command{{Name: "ask", Summary: "ask me something"}, {Name: "summarise", Summary: "sum up", Admin: true}}
	bubble(t, setup{opts: Options{Commands: commands}}, func(r *rig) {
		offered := func() (names []string) {
			list, err := r.fake.CommandsFor("ada", "general")
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range list {
				names = append(names, c.Name)
			}
			return names
		}
		if got, want := offered(), []string{"ask", menuAsk}; !slices.Equal(got, want) {
			t.Errorf("offered are %q, want %q", got, want)
		}
		if err := r.fake.Grant("ada", sandbox.DiscordManageGuild); err != nil {
			t.Fatal(err)
		}
		if got, want := offered(), []string{"ask", "summarise", menuAsk, menuSummarise}; !slices.Equal(got, want) {
			t.Errorf("an admin is offered %q, want %q", got, want)
		}
		if r.command("general", "summarise", nil); !r.one().Permitted {
			t.Error("what Discord permits is not")
		}
	})
}

func TestArgumentOfACommandIsItsText(t *testing.T) {
	bubble(t, setup{opts: Options{Commands: someCommands()}}, func(r *rig) {
		r.onAccept(func(ctx context.Context, e bots.Event) error { return e.Respond(ctx, "Noted.") })
		for _, c := range []struct {
			name    string
			options map[string]string
			want    string
		}{
			{"model", map[string]string{"model": "@cf/maker/large"}, "@cf/maker/large"},
			{"model", nil, ""},
			{"any", map[string]string{"model": "something else"}, "something else"},
			{"forget", map[string]string{"what": " me "}, "me"},
		} {
			r.command("general", c.name, c.options)
			if e := r.one(); e.Command != c.name || e.Text != c.want {
				t.Errorf("%+v is %+v", c, e)
			}
		}
		if got := r.private(r.channel("general")); len(got) != 4 || got[0] != "Noted." {
			t.Errorf("told %q", got)
		}
	})
}

func TestManyChoicesAreFoundWhileTyping(t *testing.T) {
	bubble(t, setup{opts: Options{Commands: someCommands()}}, func(r *rig) {
		for typed, want := range map[string]int{"": maxChoices, "MODEL-3": 10, "model-17": 1, "nothing": 0} {
			got, err := r.fake.Autocomplete("ada", "general", "any", map[string]string{"model": typed}, "model")
			if err != nil || len(got) != want {
				t.Errorf("%q has %d choices, want %d: %v", typed, len(got), want, err)
			}
		}
		if got := r.taken(); len(got) != 0 {
			t.Errorf("accepted %+v", got)
		}
	})
}
