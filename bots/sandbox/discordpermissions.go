package sandbox

import (
	"net/http"
	"strconv"
)

// DiscordPermission is one or more permissions, as Discord's bits.
type DiscordPermission int64

// The permissions that mean something here. By default the bot and the people may
// add reactions, see and write in channels and threads, start threads, embed, attach
// and read the history; people may use commands besides.
const (
	DiscordAdministrator       DiscordPermission = 1 << 3
	DiscordManageGuild         DiscordPermission = 1 << 5
	DiscordAddReactions        DiscordPermission = 1 << 6
	DiscordViewChannel         DiscordPermission = 1 << 10
	DiscordSendMessages        DiscordPermission = 1 << 11
	DiscordManageMessages      DiscordPermission = 1 << 13
	DiscordEmbedLinks          DiscordPermission = 1 << 14
	DiscordAttachFiles         DiscordPermission = 1 << 15
	DiscordReadMessageHistory  DiscordPermission = 1 << 16
	DiscordUseCommands         DiscordPermission = 1 << 31
	DiscordManageThreads       DiscordPermission = 1 << 34
	DiscordCreatePublicThreads DiscordPermission = 1 << 35
	DiscordSendInThreads       DiscordPermission = 1 << 38
)

const (
	discordUsual = DiscordAddReactions | DiscordViewChannel | DiscordSendMessages | DiscordEmbedLinks | DiscordAttachFiles |
		DiscordReadMessageHistory | DiscordCreatePublicThreads | DiscordSendInThreads
	discordAll DiscordPermission = 1<<51 - 1
)

func (p DiscordPermission) wire() string { return strconv.FormatInt(int64(p), 10) }

// Deny takes permissions from the bot in a channel and its threads, or in a thread
// alone. Without DiscordViewChannel the channel is out of its sight, as by Hide.
func (d *Discord) Deny(channel string, p DiscordPermission) error {
	return d.permit(channel, func(c *discordChannel) { c.denied |= p; c.allowed &^= p })
}

// Allow gives the bot permissions in a channel and its threads, those that Deny took
// and those that it never had.
func (d *Discord) Allow(channel string, p DiscordPermission) error {
	return d.permit(channel, func(c *discordChannel) { c.allowed |= p; c.denied &^= p })
}

func (d *Discord) permit(channel string, change func(*discordChannel)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, err := d.channel(channel)
	if err != nil {
		return err
	}
	change(c)
	if c.kind == discordText && !d.hides(c) {
		d.emit("CHANNEL_UPDATE", discordIntentGuilds, d.o.GuildID, d.wireChannel(c))
	}
	return nil
}

// Grant gives a person more permissions in the guild than everybody has.
func (d *Discord) Grant(user string, p DiscordPermission) error {
	u, err := d.user(user)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.granted[u.ID] |= p
	return nil
}

// may is what the bot may do in a channel.
func (d *Discord) may(c *discordChannel) DiscordPermission {
	if c.kind == discordDM {
		return discordAll &^ (DiscordManageMessages | DiscordManageThreads | DiscordCreatePublicThreads)
	}
	p := discordUsual
	for _, o := range []*discordChannel{d.channels[c.parent], c} {
		if o != nil {
			p = p&^o.denied | o.allowed
			if o.hidden {
				p &^= DiscordViewChannel
			}
		}
	}
	if d.away {
		p &^= DiscordViewChannel
	}
	if p&DiscordViewChannel == 0 {
		return 0
	}
	return p
}

// hides says whether a channel is out of the bot's sight.
func (d *Discord) hides(c *discordChannel) bool { return d.may(c)&DiscordViewChannel == 0 }

// lacks refuses a call for which the bot lacks a permission.
func (d *Discord) lacks(c *discordChannel, p DiscordPermission) *discordAnswer {
	if d.may(c)&p != p {
		return discordFail(http.StatusForbidden, 50013, "Missing Permissions")
	}
	return nil
}

// writing is the permission that a message in a channel takes.
func (c *discordChannel) writing() DiscordPermission {
	if c.kind == discordThread {
		return DiscordSendInThreads
	}
	return DiscordSendMessages
}

// mayUser is what a person may do in the guild.
func (d *Discord) mayUser(id string) DiscordPermission {
	p := discordUsual | DiscordUseCommands | d.granted[id]
	if p&DiscordAdministrator != 0 {
		return discordAll
	}
	return p
}
