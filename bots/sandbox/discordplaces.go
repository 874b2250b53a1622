package sandbox

import "net/http"

func (d *Discord) getGateway(call *discordCall) *discordAnswer {
	return discordOK(discordWire{"url": d.gatewayURL(call.Request)})
}

func (d *Discord) getGatewayBot(call *discordCall) *discordAnswer {
	return discordOK(discordWire{"url": d.gatewayURL(call.Request), "shards": 1, "session_start_limit": discordWire{
		"total": 1000, "remaining": max(0, 1000-d.identifies), "reset_after": 0, "max_concurrency": 1,
	}})
}

func (d *Discord) getUser(call *discordCall) *discordAnswer {
	id := call.PathValue("user")
	if id == "@me" {
		id = d.o.BotID
	}
	if _, ok := d.world.User(id); !ok {
		return discordFail(http.StatusNotFound, 10013, "Unknown User")
	}
	return discordOK(d.wireUser(id))
}

func (d *Discord) getApplication(*discordCall) *discordAnswer {
	return discordOK(discordWire{
		"id": d.o.ApplicationID, "name": d.o.BotName, "icon": nil, "description": "", "bot_public": false,
		"bot_require_code_grant": false, "verify_key": "", "flags": 1 << 19, "bot": d.wireUser(d.o.BotID),
	})
}

func (d *Discord) getGuilds(*discordCall) *discordAnswer {
	if d.away {
		return discordOK([]any{})
	}
	return discordOK([]any{discordWire{
		"id": d.o.GuildID, "name": d.o.GuildName, "icon": nil, "owner": false, "permissions": discordUsual.wire(),
		"features": []any{},
	}})
}

func (d *Discord) guildFails(call *discordCall) *discordAnswer {
	if call.PathValue("guild") != d.o.GuildID {
		return discordFail(http.StatusNotFound, 10004, "Unknown Guild")
	}
	if d.away {
		return discordFail(http.StatusForbidden, 50001, "Missing Access")
	}
	return nil
}

func (d *Discord) getGuild(call *discordCall) *discordAnswer {
	if fail := d.guildFails(call); fail != nil {
		return fail
	}
	return discordOK(d.wireGuild())
}

func (d *Discord) getGuildChannels(call *discordCall) *discordAnswer {
	if fail := d.guildFails(call); fail != nil {
		return fail
	}
	return discordOK(d.wireGuild()["channels"])
}

func (d *Discord) getActiveThreads(call *discordCall) *discordAnswer {
	if fail := d.guildFails(call); fail != nil {
		return fail
	}
	return discordOK(discordWire{"threads": d.wireGuild()["threads"], "members": []any{}})
}

func (d *Discord) getMember(call *discordCall) *discordAnswer {
	if fail := d.guildFails(call); fail != nil {
		return fail
	}
	id := call.PathValue("user")
	if _, ok := d.world.User(id); !ok {
		return discordFail(http.StatusNotFound, 10007, "Unknown Member")
	}
	w := d.wireMember()
	w["user"] = d.wireUser(id)
	return discordOK(w)
}

func (d *Discord) getChannel(call *discordCall) *discordAnswer {
	c, fail := d.channelOf(call)
	if fail != nil {
		return fail
	}
	return discordOK(d.wireChannel(c))
}

func (d *Discord) postDM(call *discordCall) *discordAnswer {
	var body struct {
		Recipient string `json:"recipient_id"`
	}
	if fail := call.into(&body); fail != nil {
		return fail
	}
	u, ok := d.world.User(body.Recipient)
	if !ok {
		return discordFail(http.StatusNotFound, 10013, "Unknown User")
	}
	if u.Bot {
		return discordFail(http.StatusForbidden, 50007, "Cannot send messages to this user")
	}
	return discordOK(d.wireChannel(d.openDM(u)))
}
