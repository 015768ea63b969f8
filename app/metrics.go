package app

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"alsbot/config"
	"alsbot/runs"
	"alsbot/store"
)

// metrics counts ended runs, and reads the rest from the store on request.
type metrics struct {
	cfg      *config.Config
	st       store.Store
	registry *prometheus.Registry
	runs     *prometheus.CounterVec
	took     *prometheus.HistogramVec
}

var (
	backupAge = prometheus.NewDesc("alsbot_backup_age_seconds", "Age of the last verified backup of a cluster; absent if none is known.", []string{"cluster"}, nil)
	backupMax = prometheus.NewDesc("alsbot_backup_max_age_seconds", "The max_age that is configured for the cluster's backups.", []string{"cluster"}, nil)
	runsOpen  = prometheus.NewDesc("alsbot_runs_open", "Runs that have not ended, by state.", []string{"state"}, nil)
	waiting   = prometheus.NewDesc("alsbot_outbox_rows", "Messages that Slack has not taken yet.", nil, nil)
)

func newMetrics(cfg *config.Config, st store.Store) *metrics {
	m := &metrics{
		cfg: cfg, st: st, registry: prometheus.NewRegistry(),
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "alsbot_runs_total", Help: "Runs that have ended, by operation, cluster and state.",
		}, []string{"operation", "cluster", "state"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "alsbot_run_seconds", Help: "How long runs took from their first step to their end.",
			Buckets: []float64{.1, .5, 1, 5, 15, 60, 300, 900, 3600, 14400},
		}, []string{"operation"}),
	}
	m.registry.MustRegister(m, m.runs, m.took, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// observe counts a run that has ended.
func (m *metrics) observe(r runs.Run) {
	m.runs.WithLabelValues(r.Request.Operation, r.Request.Cluster, string(r.State)).Inc()
	if !r.Started.IsZero() {
		m.took.WithLabelValues(r.Request.Operation).Observe(r.Ended.Sub(r.Started).Seconds())
	}
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{backupAge, backupMax, runsOpen, waiting} {
		ch <- d
	}
}

// Collect implements prometheus.Collector. It reads the store.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	err := m.st.View(context.Background(), func(tx store.Tx) error {
		for _, c := range m.cfg.Clusters {
			gauge(backupMax, c.Backup.MaxAge.Seconds(), c.Name)
			last, ok, err := runs.LastBackup(tx, c.Name)
			if err != nil {
				return err
			}
			if ok {
				gauge(backupAge, time.Since(last.At).Seconds(), c.Name)
			}
		}
		open, err := runs.Open(tx)
		if err != nil {
			return err
		}
		for _, s := range []runs.State{runs.Planned, runs.Awaiting, runs.Queued, runs.Running} {
			gauge(runsOpen, float64(open[s]), string(s))
		}
		rows, err := runs.Unsent(tx)
		gauge(waiting, float64(rows))
		return err
	})
	if err != nil {
		ch <- prometheus.NewInvalidMetric(waiting, err)
	}
}
