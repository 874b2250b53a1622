package discord

import (
	"context"
	"errors"

	"bobbin/agent"
	"bobbin/bots"
)

// press takes the press of a button.
func (in *intake) press(ctx context.Context, i *interaction) error {
	d := in.d
	button, ok := parseCustomID(i.Data.CustomID)
	if !ok {
		return d.tell(ctx, i, "This button is from another time: it does nothing any more.")
	}
	if err := d.noticed(ctx, i); err != nil {
		d.counts.add(ignoredLate)
		return err
	}
	a := &answer{d: d, i: i, stage: answered}
	e, err := d.pressed(ctx, i)
	if err == nil {
		e.Press, e.Respond, e.SendFile = &button, a.give, a.file
		err = in.submit(ctx, e)
	}
	if err != nil {
		d.counts.add(ignoredUnaccepted)
		return errors.Join(err, a.give(ctx, agent.Explain(err)))
	}
	return nil
}

// noticed tells Discord that a press has arrived. Nothing is seen of that.
func (d *Discord) noticed(ctx context.Context, i *interaction) error {
	ctx, cancel := context.WithDeadline(ctx, i.arrived.Add(answerBy))
	defer cancel()
	err := d.patiently(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, answerBy/2)
		defer cancel()
		return d.callback(ctx, i, map[string]int{"type": respondNothing}, nil)
	})
	if code(err) == codeAlreadyAnswered {
		return nil
	}
	return err
}

// pressed is the event of a press.
func (d *Discord) pressed(ctx context.Context, i *interaction) (bots.Event, error) {
	e, _, err := d.used(ctx, i)
	if i.Message != nil && validID(i.Message.ID) {
		e.Target.ReplyTo = place{i.ChannelID, i.Message.ID}.id()
	}
	return e, err
}
