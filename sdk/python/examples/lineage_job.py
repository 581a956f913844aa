"""A job that tells what it reads, with the ordinary OpenLineage client; `mulu lineage serve` listens."""
import os
from datetime import datetime, timezone

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import DatasetEvent, InputDataset, Job, JobEvent, Run, RunEvent, RunState, StaticDataset
from openlineage.client.generated.input_statistics_input_dataset import InputStatisticsInputDatasetFacet
from openlineage.client.uuid import generate_new_uuid

client = OpenLineageClient(url=os.environ.get("OPENLINEAGE_URL", "http://127.0.0.1:5000"))
job = Job(namespace="airflow", name="nightly-load")
now = lambda: datetime.now(timezone.utc).isoformat()  # noqa: E731
for rows in (120, 80):
    run = Run(runId=str(generate_new_uuid()))
    read = InputDataset(namespace="postgres://registry:5432", name="public.enterprises", inputFacets={
        "inputStatistics": InputStatisticsInputDatasetFacet(rowCount=rows, size=rows * 32)})
    for state in (RunState.START, RunState.RUNNING, RunState.COMPLETE, RunState.COMPLETE):
        client.emit(RunEvent(eventType=state, eventTime=now(), run=run, job=job, inputs=[read], outputs=[],
                             producer="https://example.org/nightly"))
client.emit(JobEvent(eventTime=now(), job=job, inputs=[read], outputs=[], producer="https://example.org/nightly"))
client.emit(DatasetEvent(eventTime=now(), dataset=StaticDataset(namespace="n", name="d"),
                         producer="https://example.org/nightly"))
print("told")
