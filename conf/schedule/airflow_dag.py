"""Airflow (Cloud Composer, MWAA): the monthly increment by spark-submit.

Variables `infimm_prefix` (as `infimm cloud` was given it: s3://bucket/folder), `infimm_input`,
`infimm_archive` and `infimm_config` (emr or dataproc); a Spark connection `spark_default`.
"""

from __future__ import annotations

import datetime as dt

from airflow import DAG
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator

PREFIX = "{{ var.value.infimm_prefix }}"

with DAG(
    dag_id="infimm_monthly",
    description="One new snapshot in, a new version of the corpus out",
    schedule="0 6 * * 1",
    start_date=dt.datetime(2026, 1, 5, tzinfo=dt.UTC),
    catchup=False,
    # Two at once would do no harm, for the job takes a lock; one would wait for nothing.
    max_active_runs=1,
    tags=["infimm-spark"],
) as dag:
    SparkSubmitOperator(
        task_id="increment",
        conn_id="spark_default",
        application=f"{PREFIX}/code/job.py",
        archives="{{ var.value.infimm_archive }}#environment",
        conf={
            "spark.pyspark.python": "./environment/bin/python",
            "spark.yarn.appMasterEnv.PYSPARK_PYTHON": "./environment/bin/python",
        },
        application_args=[
            "monthly",
            "--config",
            "{{ var.value.infimm_config }}",
            "--input",
            "{{ var.value.infimm_input }}",
            "--snapshot",
            "newest",
            "--releases",
            f"{PREFIX}/releases",
            "--runs",
            f"{PREFIX}/runs",
        ],
        retries=2,
        retry_delay=dt.timedelta(minutes=10),
        execution_timeout=dt.timedelta(days=2),
    )
