package bots

import (
	"context"

	"bobbin/agent"
)

// greet says a word of welcome, once for each place.
func (in *Intake) greet(ctx context.Context, ev Event) error {
	if !in.Welcome {
		in.ignore(ev, "greeting")
		return nil
	}
	ev.EventID, ev.MessageID = "", agent.MessageID("welcome "+ev.Target.Workspace+" "+ev.Target.Channel)
	return in.say(ctx, ev, in.welcome(ev))
}

func (in *Intake) welcome(ev Event) string {
	how := "Mention me with a question, and I answer in a thread; each thread is a conversation with its own memory."
	switch scope := in.rules(ev).Session; {
	case ev.Direct:
		how = "Write me a question, and I answer here."
	case !scope.Threads():
		how = "Mention me with a question, and I answer here. " + scope.explain()
	}
	return "Hello, I am bobbin, an AI assistant. " + how + " I can read pages and files that you give me, calculate, and sum up a thread.\n\n" +
		keeps(ev) + " " + spelled(ev, "help", "") + " shows what else I can do."
}

// keeps is what people are told, as an answer to ev, about what is kept of what they say.
func keeps(ev Event) string {
	return "I keep what is said to me, and my answers, on my owner's own server, and send it to the models that answer. " +
		spelled(ev, "forget", forgetWord) + " erases what you said."
}
