//! One OpenLineage event (spec 2-0-2), as much of it as counts.
//!
//! Run, job and dataset events of any type are taken; facets this program does not know are
//! ignored. Only a completed run uses data; the other types are answered as taken and count nothing.

use serde_json::Value;

/// Largest number of inputs of one event that are looked at.
const INPUTS_MAX: usize = 1_000;

/// A dataset read by a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Rows read, if the event says.
    pub records: u64,
    /// Bytes read, if the event says.
    pub bytes: u64,
}

/// A completed run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The run's id.
    pub id: String,
    /// Namespace of the job.
    pub job_namespace: String,
    /// Name of the job.
    pub job: String,
    /// What it read.
    pub inputs: Vec<Input>,
}

/// What an event is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A run that completed.
    Completed(Run),
    /// Anything else that the specification allows.
    Other,
}

/// Reads an event.
///
/// # Errors
/// What the specification requires and is not there.
pub fn read(event: &Value) -> Result<Event, String> {
    if !event.is_object() {
        return Err("an event is a JSON object".to_owned());
    }
    for required in ["eventTime", "producer", "schemaURL"] {
        text(event, required).ok_or_else(|| format!("{required} is missing or no text"))?;
    }
    let job = event.get("job");
    let Some(run) = event.get("run") else {
        return match (job, event.get("dataset")) {
            (Some(job), _) => named(job, "job").map(|_| Event::Other),
            (None, Some(dataset)) => named(dataset, "dataset").map(|_| Event::Other),
            (None, None) => Err("there is neither a run, a job nor a dataset".to_owned()),
        };
    };
    let id = text(run, "runId").ok_or("run.runId is missing or no text")?;
    let (job_namespace, job) = named(job.ok_or("a run event names its job")?, "job")?;
    if text(event, "eventType") != Some("COMPLETE") {
        return Ok(Event::Other);
    }
    let inputs = event.get("inputs").and_then(Value::as_array).into_iter().flatten();
    let inputs = inputs.take(INPUTS_MAX).map(input).collect::<Result<_, _>>()?;
    Ok(Event::Completed(Run { id: id.to_owned(), job_namespace, job, inputs }))
}

fn input(dataset: &Value) -> Result<Input, String> {
    let (namespace, name) = named(dataset, "an input")?;
    // The statistics facet, or the older one of data quality.
    let first = |pointers: [&str; 3]| {
        pointers.iter().find_map(|p| dataset.pointer(p).and_then(Value::as_u64)).unwrap_or(0)
    };
    Ok(Input {
        namespace,
        name,
        records: first([
            "/inputFacets/inputStatistics/rowCount",
            "/inputFacets/dataQualityMetrics/rowCount",
            "/facets/inputStatistics/rowCount",
        ]),
        bytes: first([
            "/inputFacets/inputStatistics/size",
            "/inputFacets/dataQualityMetrics/bytes",
            "/facets/inputStatistics/size",
        ]),
    })
}

fn named(value: &Value, what: &str) -> Result<(String, String), String> {
    let field =
        |name: &str| text(value, name).map(str::to_owned).ok_or(format!("{what} has no {name}"));
    Ok((field("namespace")?, field("name")?))
}

fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field).and_then(Value::as_str)
}
