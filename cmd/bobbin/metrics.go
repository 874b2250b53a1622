package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"bobbin/agent"
)

// metrics are what /metrics shows. They observe the agent; no label takes a value that
// people choose, so their number is bounded.
type metrics struct {
	registry *prometheus.Registry
	balance  balance

	accepted *prometheus.CounterVec
	refused  *prometheus.CounterVec
	ignored  *prometheus.CounterVec
	turns    *prometheus.CounterVec
	turnTime prometheus.Histogram
	running  prometheus.Gauge
	steps    *prometheus.CounterVec
	stepTime *prometheus.HistogramVec
	tokens   *prometheus.CounterVec
	neurons  *prometheus.CounterVec
	calls    *prometheus.CounterVec
	callTime *prometheus.HistogramVec
	ratings  *prometheus.GaugeVec
}

var _ agent.Observer = (*metrics)(nil)

func newMetrics() *metrics {
	seconds := []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "bobbin_" + name, Help: help}, labels)
	}
	histogram := func(name, help string, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "bobbin_" + name, Help: help, Buckets: seconds}, labels)
	}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		accepted: counter("messages_accepted_total", "Messages that were addressed to bobbin, by platform; duplicate: delivered again.", "platform", "duplicate"),
		refused:  counter("messages_refused_total", "Messages that were turned away with a sentence, by platform.", "platform"),
		ignored:  counter("events_ignored_total", "Events that were left alone, by reason.", "platform", "why"),
		turns:    counter("turns_total", "Turns that ended, by outcome.", "platform", "outcome"),
		turnTime: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "bobbin_turn_seconds", Help: "Time from the beginning of a turn until its answer stood.", Buckets: seconds}),
		running:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "bobbin_turns_running", Help: "Turns under way."}),
		steps:    counter("steps_total", "Model calls, by model and result.", "model", "result"),
		stepTime: histogram("step_seconds", "Duration of model calls.", "model"),
		tokens:   counter("tokens_total", "Tokens, by model and kind: input, cached (part of input), output.", "model", "kind"),
		neurons:  counter("neurons_total", "Workers AI's unit of cost, by model, or by tool for what that asks of others.", "model"),
		calls:    counter("tool_calls_total", "Tool calls, by tool and result.", "tool", "result"),
		ratings: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "bobbin_answers_rated", Help: "What people think of answers, as told since the start: good or bad. A changed mind counts once.",
		}, []string{"platform", "rating"}),
		callTime: histogram("tool_call_seconds", "Duration of tool calls.", "tool"),
	}
	m.registry.MustRegister(m.accepted, m.refused, m.ignored, m.turns, m.turnTime, m.running, m.steps, m.stepTime, m.tokens, m.neurons,
		m.calls, m.callTime, m.ratings, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// watch adds what is read from the daemon when it is asked for.
func (m *metrics) watch(d *daemon) error {
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "bobbin_sessions_live", Help: "Sessions that are being worked on."},
			func() float64 { return float64(d.agent.Live()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "bobbin_turns_queued", Help: "Turns that wait for others to end (agent.max_turns)."},
			func() float64 { return float64(d.agent.Queued()) }))
	for _, p := range d.platforms {
		labels := prometheus.Labels{"platform": p.Name()}
		m.registry.MustRegister(prometheus.NewGaugeFunc(
			prometheus.GaugeOpts{Name: "bobbin_platform_ready", Help: "Whether the platform is connected.", ConstLabels: labels},
			func() float64 {
				if p.Ready() != nil {
					return 0
				}
				return 1
			}))
		if deaf, can := p.(interface{ Deaf() int }); can {
			m.registry.MustRegister(prometheus.NewCounterFunc(
				prometheus.CounterOpts{Name: "bobbin_deaf_connections_total", Help: "Connections that were open and heard nothing, and were replaced.", ConstLabels: labels},
				func() float64 { return float64(deaf.Deaf()) }))
		}
	}
	return m.balance.watch(d.store, m.registry)
}

func (m *metrics) refuse(platform string) { m.refused.WithLabelValues(platform).Inc() }

// rate counts what people think of answers now, so that a changed mind counts once.
func (m *metrics) rate(platform string, before, rating int) {
	for r, by := range map[int]float64{before: -1, rating: 1} {
		if word := map[int]string{1: "good", -1: "bad"}[r]; word != "" && before != rating {
			m.ratings.WithLabelValues(platform, word).Add(by)
		}
	}
}

func (m *metrics) ignore(platform, why string) { m.ignored.WithLabelValues(platform, why).Inc() }

// Accepted implements agent.Observer.
func (m *metrics) Accepted(platform string, fresh bool) {
	duplicate := "true"
	if fresh {
		duplicate = "false"
	}
	m.accepted.WithLabelValues(platform, duplicate).Inc()
	if fresh {
		m.balance.accepted.Add(1)
	}
}

// TurnBegan implements agent.Observer.
func (m *metrics) TurnBegan(*agent.Turn) { m.running.Inc() }

// TurnEnded implements agent.Observer.
func (m *metrics) TurnEnded(t *agent.Turn, took time.Duration, err error) {
	m.running.Dec()
	outcome := "interrupted"
	switch n := int64(len(t.Inbound)); {
	case err != nil:
	case t.Abandoned:
		m.balance.dead.Add(n)
	default:
		m.balance.delivered.Add(n)
	}
	if err == nil && t.Outcome != nil {
		outcome = string(t.Outcome.Kind)
		m.turnTime.Observe(took.Seconds())
	}
	m.turns.WithLabelValues(t.Target().Platform, outcome).Inc()
}

// Reopened implements agent.Observer.
func (m *metrics) Reopened(t *agent.Turn) { m.balance.retried.Add(int64(len(t.Inbound))) }

// StepEnded implements agent.Observer.
func (m *metrics) StepEnded(model string, u agent.Usage, took time.Duration, err error) {
	if model == "" {
		model = "none"
	}
	m.steps.WithLabelValues(model, result(err != nil)).Inc()
	m.stepTime.WithLabelValues(model).Observe(took.Seconds())
	m.tokens.WithLabelValues(model, "input").Add(float64(u.Input))
	m.tokens.WithLabelValues(model, "cached").Add(float64(u.Cached))
	m.tokens.WithLabelValues(model, "output").Add(float64(u.Output))
	m.neurons.WithLabelValues(model).Add(u.Neurons)
}

// CallEnded implements agent.Observer.
func (m *metrics) CallEnded(tool string, u agent.Usage, took time.Duration, failed bool) {
	if u.Neurons > 0 {
		m.neurons.WithLabelValues(tool).Add(u.Neurons)
	}
	m.calls.WithLabelValues(tool, result(failed)).Inc()
	m.callTime.WithLabelValues(tool).Observe(took.Seconds())
}

func result(failed bool) string {
	if failed {
		return "failed"
	}
	return "ok"
}
