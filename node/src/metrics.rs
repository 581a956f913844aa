//! What the node counts, in the OpenMetrics text format.
//!
//! Counters belong to whoever sees the event: the fields are public, `inc()` needs no lock. Gauges
//! that mirror the replica's [`Status`] are set when the page is fetched, so they cost nothing in
//! between and are never older than the answer.

use std::fmt;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::house::HouseReport;
use crate::replica::handle::Status;

/// Media type of the metrics page.
pub const METRICS_MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds of the request duration buckets, in seconds: from a cached read to a full wait.
const DURATION_BUCKETS_S: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// A gauge of whole numbers.
pub type CountGauge = Gauge<u64, AtomicU64>;

/// Labels of finished requests. `route` is a template, never a path: its values are few.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct HttpLabels {
    /// Route template.
    pub route: String,
    /// HTTP status.
    pub status: u16,
}

/// Label of request durations.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RouteLabel {
    /// Route template.
    pub route: String,
}

/// Label of the ledger's columns.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ColumnLabel {
    /// The column family.
    pub column: &'static str,
}

/// Label of submitted transactions.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct VerdictLabel {
    /// `queued`, `already_queued`, `already_committed`, `rejected`, `full`, `not_ready`, `malformed`.
    pub verdict: &'static str,
}

/// Labels of webhook deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct WebhookLabels {
    /// The webhook's name.
    pub webhook: String,
    /// `taken` or `refused`.
    pub result: &'static str,
}

/// Everything the node counts.
pub struct Metrics {
    registry: Registry,
    /// Height of the last committed block.
    pub height: CountGauge,
    /// Time of the last committed block, in milliseconds since 1970.
    pub block_time_ms: CountGauge,
    /// Round consensus works in.
    pub round: CountGauge,
    /// Highest height a peer reported.
    pub peer_height_max: CountGauge,
    /// Connected peers.
    pub peers_connected: CountGauge,
    /// Transactions waiting.
    pub mempool_transactions: CountGauge,
    /// Their bytes.
    pub mempool_bytes: CountGauge,
    /// 1 while the node fetches blocks it missed.
    pub syncing: CountGauge,
    /// 1 while the node is in the validator set.
    pub validator: CountGauge,
    /// 1 while the node abstains from voting.
    pub abstaining: CountGauge,
    /// 1 while the node does not sign because its key was seen where it did not use it.
    pub alarm: CountGauge,
    /// 1 while read-only because the disk is nearly full.
    pub read_only: CountGauge,
    /// Free bytes of the disk.
    pub disk_free_bytes: CountGauge,
    /// Bytes of the disk.
    pub disk_bytes: CountGauge,
    /// Below this the node is read-only.
    pub disk_free_bytes_min: CountGauge,
    /// Bytes of the ledger's files.
    pub ledger_bytes: CountGauge,
    /// Bytes of the vote log.
    pub vote_log_bytes: CountGauge,
    /// Bytes of the archive.
    pub archive_bytes: CountGauge,
    /// 1 while archiving does not work.
    pub archive_failing: CountGauge,
    /// First height whose body is in the ledger.
    pub bodies_from: CountGauge,
    /// First height whose state is in the ledger.
    pub state_from: CountGauge,
    /// Walks over everything stored since the start.
    pub scrubs: CountGauge,
    /// Damages found since the start.
    pub damages: CountGauge,
    /// Finished HTTP requests.
    pub http_requests: Family<HttpLabels, Counter>,
    /// How long they took.
    pub http_request_duration_seconds: Family<RouteLabel, Histogram>,
    /// Submitted transactions by the node's verdict.
    pub transactions_submitted: Family<VerdictLabel, Counter>,
    /// Bytes of the ledger's table files by column.
    pub storage_column_bytes: Family<ColumnLabel, CountGauge>,
    /// Deliveries of webhooks by what the receiver made of them.
    pub webhook_deliveries: Family<WebhookLabels, Counter>,
    /// Committed blocks.
    pub commits: Counter,
    /// Transactions in committed blocks.
    pub committed_transactions: Counter,
    /// Transactions in committed blocks that the rules rejected.
    pub rejected_transactions: Counter,
    /// Rounds started.
    pub consensus_rounds: Counter,
    /// Rounds that ended without a decision.
    pub consensus_rounds_failed: Counter,
    /// Equivocations seen.
    pub consensus_equivocations: Counter,
    /// Frames dropped because a peer's queue was full.
    pub p2p_frames_dropped: Counter,
    /// Replica inputs dropped because its queue was full.
    pub inputs_dropped: Counter,
}

impl Metrics {
    /// Registers every metric; `version` goes into the build information.
    pub fn new(version: &str) -> Self {
        let mut registry = Registry::with_prefix("mulu");
        let labels = vec![("version", version.to_owned())];
        registry.register("build", "The program", Info::new(labels));
        let metrics = Metrics {
            height: gauge(&mut registry, "height", "Height of the last committed block"),
            block_time_ms: gauge(&mut registry, "block_time_ms", "Time of the last block"),
            round: gauge(&mut registry, "round", "Round consensus works in"),
            peer_height_max: gauge(&mut registry, "peer_height_max", "Highest height of a peer"),
            peers_connected: gauge(&mut registry, "peers_connected", "Connected peers"),
            mempool_transactions: gauge(
                &mut registry,
                "mempool_transactions",
                "Transactions waiting",
            ),
            mempool_bytes: gauge(&mut registry, "mempool_bytes", "Bytes of waiting transactions"),
            syncing: gauge(&mut registry, "syncing", "1 while fetching missed blocks"),
            validator: gauge(&mut registry, "validator", "1 while in the validator set"),
            abstaining: gauge(&mut registry, "abstaining", "1 while abstaining from voting"),
            alarm: gauge(
                &mut registry,
                "alarm",
                "1 while not signing because the validator key was seen elsewhere",
            ),
            read_only: gauge(&mut registry, "read_only", "1 while the disk is nearly full"),
            disk_free_bytes: gauge(&mut registry, "disk_free_bytes", "Free bytes of the disk"),
            disk_bytes: gauge(&mut registry, "disk_bytes", "Bytes of the disk"),
            disk_free_bytes_min: gauge(
                &mut registry,
                "disk_free_bytes_min",
                "Free bytes below which the node is read-only",
            ),
            ledger_bytes: gauge(&mut registry, "ledger_bytes", "Bytes of the ledger's files"),
            vote_log_bytes: gauge(&mut registry, "vote_log_bytes", "Bytes of the vote log"),
            archive_bytes: gauge(&mut registry, "archive_bytes", "Bytes of the archive folder"),
            archive_failing: gauge(&mut registry, "archive_failing", "1 while archiving fails"),
            bodies_from: gauge(&mut registry, "bodies_from", "First height with its body here"),
            state_from: gauge(&mut registry, "state_from", "First height with its state here"),
            scrubs: gauge(&mut registry, "scrubs", "Walks over everything stored"),
            damages: gauge(&mut registry, "damages", "Damages found by scrubbing"),
            http_requests: Family::default(),
            http_request_duration_seconds: Family::new_with_constructor(|| {
                Histogram::new(DURATION_BUCKETS_S)
            }),
            transactions_submitted: Family::default(),
            storage_column_bytes: Family::default(),
            webhook_deliveries: Family::default(),
            commits: counter(&mut registry, "commits", "Committed blocks"),
            committed_transactions: counter(
                &mut registry,
                "committed_transactions",
                "Transactions in committed blocks",
            ),
            rejected_transactions: counter(
                &mut registry,
                "rejected_transactions",
                "Committed transactions that the rules rejected",
            ),
            consensus_rounds: counter(&mut registry, "consensus_rounds", "Rounds started"),
            consensus_rounds_failed: counter(
                &mut registry,
                "consensus_rounds_failed",
                "Rounds that ended without a decision",
            ),
            consensus_equivocations: counter(
                &mut registry,
                "consensus_equivocations",
                "Equivocations seen",
            ),
            p2p_frames_dropped: counter(
                &mut registry,
                "p2p_frames_dropped",
                "Frames dropped because a queue was full",
            ),
            inputs_dropped: counter(
                &mut registry,
                "inputs_dropped",
                "Replica inputs dropped because its queue was full",
            ),
            registry: Registry::default(),
        };
        registry.register("http_requests", "HTTP requests", metrics.http_requests.clone());
        registry.register(
            "http_request_duration_seconds",
            "Duration of HTTP requests",
            metrics.http_request_duration_seconds.clone(),
        );
        registry.register(
            "transactions_submitted",
            "Submitted transactions by verdict",
            metrics.transactions_submitted.clone(),
        );
        registry.register(
            "storage_column_bytes",
            "Bytes of the ledger's table files by column",
            metrics.storage_column_bytes.clone(),
        );
        registry.register(
            "webhook_deliveries",
            "Deliveries of webhooks by what the receiver made of them",
            metrics.webhook_deliveries.clone(),
        );
        Metrics { registry, ..metrics }
    }

    /// Sets the gauges that mirror the replica's status.
    pub fn observe(&self, status: &Status) {
        self.height.set(status.height.0);
        self.block_time_ms.set(status.time_ms);
        self.round.set(u64::from(status.round.unwrap_or(0)));
        self.peer_height_max.set(status.best_peer_height.0);
        self.peers_connected.set(count(status.peers.len()));
        self.mempool_transactions.set(count(status.mempool_transactions));
        self.mempool_bytes.set(count(status.mempool_bytes));
        self.syncing.set(u64::from(status.syncing));
        self.validator.set(u64::from(status.is_validator));
        self.abstaining.set(u64::from(status.abstaining.is_some()));
        self.alarm.set(u64::from(status.alarm));
    }

    /// Sets the gauges that mirror the node's disk.
    pub fn observe_house(&self, report: &HouseReport) {
        self.read_only.set(u64::from(report.read_only));
        self.disk_free_bytes.set(report.free_bytes);
        self.disk_bytes.set(report.disk_bytes);
        self.disk_free_bytes_min.set(report.free_bytes_min);
        self.ledger_bytes.set(report.ledger_bytes);
        self.vote_log_bytes.set(report.votes_bytes);
        self.archive_bytes.set(report.archive_bytes);
        self.archive_failing.set(u64::from(report.archive_problem.is_some()));
        self.bodies_from.set(report.bodies_from.0);
        self.state_from.set(report.state_from.0);
        self.scrubs.set(report.scrubs_done);
        self.damages.set(count(report.damages.len()));
    }

    /// The page a Prometheus server fetches.
    ///
    /// # Errors
    /// Never for these metrics; the library's signature allows a failing writer.
    pub fn page(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

fn gauge(registry: &mut Registry, name: &str, help: &str) -> CountGauge {
    let gauge = CountGauge::default();
    registry.register(name, help, gauge.clone());
    gauge
}

fn counter(registry: &mut Registry, name: &str, help: &str) -> Counter {
    let counter = Counter::default();
    registry.register(name, help, counter.clone());
    counter
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
