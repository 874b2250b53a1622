// Package workersai is bobbin's [agent.Model] on Cloudflare Workers AI, over HTTP. It
// also speaks to any server that is compatible with OpenAI's chat completions.
//
//	Stream ─▶ chain of models ─▶ attempt (request, HTTP, back-off) ─▶ decoder ─▶ chunks
//
// # Why
//
// Context: Workers AI answers in several shapes. Which one depends on the model more
// than on the endpoint, and one stream may mix two of them: nulls where fields are
// usually left out, usage as deltas in every event and as a total in the last one,
// arguments before the name of the tool, calls written as plain text, JSON although a
// stream was asked for. Models are withdrawn on a date and then fail for ever, some
// need a paid plan, and two unlike things come as status 429: a model that is busy for
// a second and an account whose day is used up.
//
// Decision: one decoder reads the union of all shapes and decides at the end, by
// evidence, what the answer was; nothing is keyed on the endpoint or on the name of the
// model in the answer. A stream without its end is an error. Errors are classified by
// Cloudflare's code, then by status. The configuration names a chain of models, and a
// step falls to the next one while nothing of its answer has been shown. What differs
// between model families is data in one table.
//
// Cloudflare's own Go client is not used: it knows neither event streams nor the
// OpenAI-shaped answers, so all that matters here would be written around it.
//
// Consequences: a new shape is a new field in one struct and a new file in testdata. A
// text that is exactly a call of an offered tool is taken for a call, so text which
// begins like one is withheld until that is decided. Verdicts about models and the
// day's pause live in memory: a restart asks again.
package workersai
