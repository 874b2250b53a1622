package bots

import (
	"context"
	"errors"
	"fmt"

	"bobbin/agent"
)

// press does what a button asks for. What is told of it, is told to who pressed alone.
func (in *Intake) press(ctx context.Context, ev Event) error {
	answer, err := in.pressed(ctx, ev)
	if err != nil {
		if _, told := errors.AsType[agent.Public](err); !told && in.Log != nil {
			in.Log.ErrorContext(ctx, "a button failed", "action", ev.Press.Action, "turn", ev.Press.Turn, "error", err)
		}
		answer = agent.Explain(err)
	}
	if answer == "" {
		return nil
	}
	return ev.Respond(ctx, answer)
}

func (in *Intake) pressed(ctx context.Context, ev Event) (answer string, err error) {
	session, turn := in.session(ev), ev.Press.Turn
	if turn == "" {
		return "I do not know that button.", nil
	}
	switch ev.Press.Action {
	case Stop:
		stopped, err := in.Agent.Stop(session, turn, in.may(ev))
		if err == nil && !stopped {
			answer = "That answer is complete already."
		}
		return answer, err
	case Retry:
		return "", in.Agent.Again(ctx, session, turn, in.may(ev))
	case Up, Down:
		rating := 1
		if ev.Press.Action == Down {
			rating = -1
		}
		before, err := in.Archive.Rate(ctx, session, turn, ev.Author.ID, rating)
		if err != nil {
			return "", fmt.Errorf("keep a rating: %w", err)
		}
		if in.Rated != nil {
			in.Rated(ev.Target.Platform, before, rating)
		}
		if before == rating {
			return "You said so before.", nil
		}
		return "Thank you, I keep that in mind: my admin sees how many answers were good.", nil
	}
	return "I do not know that button.", nil
}
