package sandbox

import (
	"errors"
	"fmt"
	"time"
)

// discordGuildOwner owns the guild, and takes no part in it.
const discordGuildOwner = "200000000000000009"

func (d *Discord) wireGuild() discordWire {
	channels, threads := []any{}, []any{}
	for _, id := range d.order {
		c := d.channels[id]
		switch {
		case c == nil || c.kind == discordDM || c.archived || d.hides(c):
		case c.kind == discordThread:
			threads = append(threads, d.wireChannel(c))
		default:
			channels = append(channels, d.wireChannel(c))
		}
	}
	self := d.wireMember()
	self["user"] = d.wireUser(d.o.BotID)
	return discordWire{
		"id": d.o.GuildID, "name": d.o.GuildName, "icon": nil, "owner_id": discordGuildOwner,
		"joined_at": discordTime(d.joined), "large": false, "unavailable": false,
		"member_count": len(d.world.Users()), "channels": channels, "threads": threads, "members": []any{self},
		"roles": []any{discordWire{
			"id": d.o.GuildID, "name": "@everyone", "permissions": discordUsual.wire(), "color": 0, "hoist": false,
			"position": 0, "managed": false, "mentionable": false, "flags": 0,
		}},
		"emojis": []any{}, "stickers": []any{}, "presences": []any{}, "voice_states": []any{},
		"stage_instances": []any{}, "guild_scheduled_events": []any{}, "features": []any{},
		"verification_level": 0, "default_message_notifications": 0, "explicit_content_filter": 0, "mfa_level": 0,
		"system_channel_id": d.wireSystemChannel(), "system_channel_flags": 0, "rules_channel_id": nil,
		"afk_channel_id": nil, "afk_timeout": 300, "preferred_locale": "en-US", "premium_tier": 0, "nsfw_level": 0,
	}
}

// systemChannel is where Discord itself writes in the guild.
func (d *Discord) systemChannel() *discordChannel {
	if c, err := d.channel(d.o.SystemChannel); err == nil {
		return c
	}
	return nil
}

func (d *Discord) wireSystemChannel() any {
	if c := d.systemChannel(); c != nil {
		return c.id
	}
	return nil
}

func (d *Discord) wireOverwrites(c *discordChannel) []any {
	denied := c.denied
	if c.hidden {
		denied |= DiscordViewChannel
	}
	if denied|c.allowed == 0 {
		return []any{}
	}
	return []any{discordWire{"id": d.o.BotID, "type": 1, "allow": c.allowed.wire(), "deny": denied.wire()}}
}

// Kick throws the bot out of the guild: its events end with GUILD_DELETE and its
// channels are closed to it. DMs stay.
func (d *Discord) Kick() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.away {
		return errors.New("discord sandbox: the bot is in no guild")
	}
	d.emit("GUILD_DELETE", discordIntentGuilds, d.o.GuildID, discordWire{"id": d.o.GuildID})
	d.away = true
	return nil
}

// Invite lets the bot join the guild anew after Kick, or after a start with
// [DiscordOptions.NotInGuild]: GUILD_CREATE has a joined_at of now, and the system
// channel gets Discord's own word that it came.
func (d *Discord) Invite() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.away {
		return fmt.Errorf("discord sandbox: the bot is in %s", d.o.GuildName)
	}
	d.away, d.joined = false, time.Now()
	d.emit("GUILD_CREATE", discordIntentGuilds, d.o.GuildID, d.wireGuild())
	if c := d.systemChannel(); c != nil {
		d.add(&discordMessage{id: d.newID(), channel: c.id, kind: discordJoined, author: d.o.BotID, at: time.Now()})
	}
	return nil
}

// Outage has the guild vanish for a while, as when Discord's own servers fail, or come
// back. The bot stays its member.
func (d *Discord) Outage(happens bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if happens {
		d.emit("GUILD_DELETE", discordIntentGuilds, d.o.GuildID, discordWire{"id": d.o.GuildID, "unavailable": true})
		return
	}
	d.emit("GUILD_CREATE", discordIntentGuilds, d.o.GuildID, d.wireGuild())
}
