// Package web holds the tool that reads pages of the public web.
//
// # Why
//
// Context: whoever speaks to bobbin, and every page that it has read, can make the
// model ask for any URL. The daemon often runs where it can reach what they cannot: a
// cloud's metadata service, a database's admin page, the daemon's own.
//
// Decision: the address is judged when the connection is made, after the name was
// resolved, so redirects and names that resolve differently the second time gain
// nothing. Only http and https on their own ports, only public addresses, no proxy, no
// cookies, no credentials. Time, redirects, bytes (after decompression) and text are
// bounded. The page goes to the model as Markdown between two marks that say it is
// data.
//
// Consequences: pages inside a company are out of reach unless an admin allows their
// networks. A page cannot be kept from talking to the model, so what a model may do
// must never depend on what it has read.
package web
