package markup

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// addressLabel is a label that readers would take for the place a link leads to.
var addressLabel = regexp.MustCompile(`(?i)^(?:[a-z][a-z0-9+.-]*://|www\.)\S+$|^(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|gov|edu|mil|int|info|biz|co|ai|app|me|xyz|page|cloud|online|site|us|uk|de|fr|it|es|nl|se|no|pl|ch|at|be|eu|ru|cn|jp|in|br|au|ca)(?:[:/?#]\S*)?$`)

func looksLikeAddress(label string) bool {
	return strings.ContainsAny(label, ".:") && !strings.Contains(label, " ") && addressLabel.MatchString(label)
}

// plainMail is an address of the kind that people have.
var plainMail = regexp.MustCompile(`^[\w.+-]+@[\w.-]+$`)

// link writes a link or an image. An image is never loaded by itself: the address of
// an image that a model writes may carry what it has been told to give away.
//
// The brackets of [r] stay, since they have been shown while r had no definition yet.
func (w *inliner) link(n ast.Node, address string, image bool, s style) {
	open, closing, refers := "", "", false
	if l, ok := n.(*ast.Link); ok && l.Reference != nil {
		refers = true
		if l.Reference.Type == ast.ReferenceLinkShortcut {
			open, closing = "[", "]"
		}
	}
	if s.label {
		w.bracketed(n, open, closing, s)
		return
	}
	inner := s
	inner.label, inner.oneLine = true, true
	label := strings.TrimSpace((&renderer{dialect: plain, src: w.src, spare: w.spare}).inlines(n, inner))
	label = open + label + closing
	if label == "" && image {
		label = "image"
	}
	address = strings.TrimSpace(address)
	if w.flavor == flavorPlain {
		if label == "" {
			label = address
		} else if w.addresses && safeScheme(address) && label != address {
			label += " (" + address + ")"
		}
		w.raw(label, s)
		return
	}
	if !safeScheme(address) {
		w.bracketed(n, open, closing, s)
		if address != "" && !refers && !strings.HasPrefix(address, "#") {
			w.say(" (" + address + ")")
		}
		return
	}
	if label == "" || looksLikeAddress(label) {
		w.raw(w.bareURL(address), s)
		return
	}
	text := ""
	if image && n.FirstChild() == nil {
		text = label
	} else {
		text = strings.TrimSpace(w.inlines(n, inner))
	}
	if open != "" {
		text = string(w.escape(nil, open, inner)) + text + string(w.escape(nil, closing, inner))
	}
	switch w.flavor {
	case flavorSlackText:
		w.raw("<"+slackAddress(address)+"|"+strings.NewReplacer("|", "¦", "\n", " ").Replace(text)+">", s)
	case flavorDiscord:
		target := percent(address)
		if image {
			target = "<" + target + ">"
		}
		w.raw("["+text+"]("+target+")", s)
	default:
		w.raw("["+text+"]("+percent(address)+")", s)
	}
}

// bracketed writes the inside of n as text.
func (w *inliner) bracketed(n ast.Node, open, closing string, s style) {
	w.say(open)
	w.children(n, s)
	w.say(closing)
}

// safeScheme says whether an address may be shown as a link.
func safeScheme(address string) bool {
	scheme, _, ok := strings.Cut(address, ":")
	if !ok {
		return false
	}
	switch strings.ToLower(scheme) {
	case "http", "https", "mailto", "tel":
	default:
		return false
	}
	u, err := url.Parse(address)
	return err == nil && (u.Host != "" || u.Opaque != "")
}

func (w *inliner) autoLink(n *ast.AutoLink, s style) {
	label := string(n.Label(w.src))
	if n.AutoLinkType == ast.AutoLinkEmail {
		if !plainMail.MatchString(label) { // a token of Slack's, for one
			label = "<" + label + ">"
		}
		w.say(label)
		return
	}
	// Models now and then write links as Slack does.
	address, name, named := strings.Cut(string(n.URL(w.src)), "|")
	switch {
	case !safeScheme(address): // no link, so <x:y> stays what it looks like
		w.say("<" + label + ">")
		return
	case w.flavor == flavorPlain:
		w.raw(label, s)
		return
	case s.label:
		w.say(label)
		return
	}
	w.raw(w.bareURL(address), s)
	if named && name != "" {
		w.say(" (" + name + ")")
	}
}

// bareURL writes an address that the platform makes a link by itself.
func (d *dialect) bareURL(address string) string {
	switch d.flavor {
	case flavorSlackText:
		return "<" + slackAddress(address) + ">"
	case flavorPlain:
		return address
	default:
		return disarmURL(address)
	}
}

// percent writes an address so that it can stand in parentheses.
func percent(address string) string {
	return parentheses.Replace(disarmURL(address))
}

var (
	parentheses = strings.NewReplacer("(", "%28", ")", "%29")
	notInURLs   = strings.NewReplacer("<", "%3C", ">", "%3E", " ", "%20", "\t", "%20", "\n", "",
		"`", "%60", `\`, "%5C", `"`, "%22", "|", "%7C", "[", "%5B", "]", "%5D", "*", "%2A")
	groupInURL = regexp.MustCompile(`(?i)@(everyone|here|&|!)`)
)

// disarmURL percent-encodes what would end the address or begin something else.
func disarmURL(address string) string {
	address = notInURLs.Replace(address)
	if !strings.Contains(address, "@") {
		return address
	}
	return groupInURL.ReplaceAllString(address, "%40$1")
}

// slackAddress is an address inside of <…>.
func slackAddress(address string) string {
	return strings.ReplaceAll(notInURLs.Replace(address), "&", "&amp;")
}
