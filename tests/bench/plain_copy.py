"""Spark's own copy of a pool to Delta, in a session with only the settings that Delta requires.

A server for bench_curate.py, which keeps it warm and calls it in turn: reads lines "FROM<tab>TO" from standard input,
and answers each with one line, "WALL<tab>CPU" in seconds.
"""

from __future__ import annotations

import sys
import time

import pyspark
from processes import cpu_seconds
from pyspark.sql import SparkSession

from metaclip_spark.spark.session.delta import DELTA_SETTINGS, JARS_IN_SPARK, delta_package


def main() -> None:
    builder = SparkSession.builder.master(sys.argv[1])
    settings = {
        **DELTA_SETTINGS,
        "spark.jars.packages": delta_package(pyspark.__version__),
        "spark.jars.excludes": ",".join(JARS_IN_SPARK),
        "spark.ui.enabled": "false",
        "spark.log.level": "ERROR",
    }
    for key, value in settings.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    for line in sys.stdin:
        source, target = line.rstrip("\n").split("\t")
        start, cpu = time.monotonic(), cpu_seconds()
        spark.read.parquet(source).write.format("delta").save(target)
        print(f"{time.monotonic() - start}\t{cpu_seconds() - cpu}", flush=True)
    spark.stop()


if __name__ == "__main__":
    main()
