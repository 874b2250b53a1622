// Package sandbox holds stand-ins of Slack, Discord and Workers AI that speak the
// services' wire formats on loopback, and a web page on which a person can be a
// user of both. The demo runs on it, and the tests of the whole program do.
//
// # Why
//
// What breaks a chat bot is what the services do: limits, redeliveries, streams that
// end, forms that expire, answers that come too late. A mock of a client library shows
// none of that. So the real client libraries talk to servers here that hold to the
// services' documented limits and error codes, and to those that were only found by
// trial; people act through methods named for what a person does, or through the page.
// What people see is kept in one [World] for each service, which tests and page read
// alike. A stand-in that is stricter than its service costs little; one that is more
// lenient hides a fault until it is live.
package sandbox
