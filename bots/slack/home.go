package slack

import (
	"context"
	"net/url"

	slackgo "github.com/slack-go/slack"
)

// homePlain stands where there is nothing else.
const homePlain = "I have nothing to show here at the moment. Write to me in Messages."

// publishHome brings the home tab of a person up to date.
func (s *Slack) publishHome(ctx context.Context, team, app, user string) {
	ctx, cancel := context.WithTimeout(ctx, paneTimeout)
	defer cancel()
	markdown, err := s.opts.Home(ctx, user)
	if err != nil {
		s.log.Warn("slack: what the home tab shows is not known", "user", user, "error", err)
		markdown = homePlain
	}
	_, err = s.api.PublishViewContext(ctx, slackgo.PublishViewContextRequest{UserID: user, View: home(team, app, markdown)})
	if err != nil {
		s.log.Warn("slack: the home tab was not published", "user", user, "error", explain("views.publish", err))
	}
}

// home is the view of the home tab: what is to be said, and a way to the messages. Views
// know no markdown block.
func home(team, app, markdown string) slackgo.HomeTabViewRequest {
	texts := sections(markdown)
	if len(texts) == 0 {
		texts = []string{homePlain}
	}
	var blocks []slackgo.Block
	for _, text := range texts[:min(len(texts), maxSections)] {
		blocks = append(blocks, slackgo.NewSectionBlock(slackgo.NewTextBlockObject(slackgo.MarkdownType, text, false, true), nil, nil))
	}
	if isID(app) && isID(team) {
		open := slackgo.NewButtonBlockElement(actionPrefix+"messages", "",
			slackgo.NewTextBlockObject(slackgo.PlainTextType, "Write to me", false, false))
		open.URL = "slack://app?" + url.Values{"team": {team}, "id": {app}, "tab": {"messages"}}.Encode()
		blocks = append(blocks, slackgo.NewActionBlock("", open))
	}
	return slackgo.HomeTabViewRequest{Type: slackgo.VTHomeTab, Blocks: slackgo.Blocks{BlockSet: blocks}}
}
