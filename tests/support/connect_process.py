"""Curations and audits by a Spark Connect client in a process of its own. Prints the results as its last line.

SPARK_REMOTE=sc://127.0.0.1:15002 python tests/support/connect_process.py '{"pool": …, "output": …, "metadata": …}'
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace

from content_digest import content_digest

from metaclip_spark import (
    CurateConfig,
    Pool,
    PoolColumns,
    check,
    curate,
    estimate,
    explain_uid,
    inspect,
    read_metadata,
    sizes,
)
from metaclip_spark.errors import InputError
from metaclip_spark.spark.session import build_session
from metaclip_spark.spark.session_features import has_spark_context


def main() -> None:
    asked = json.loads(sys.argv[1])
    spark = build_session()
    metadata = read_metadata(asked["metadata"])
    pool = Pool(paths=(asked["pool"],), columns=PoolColumns(image_url="image_url"))
    found = {"kind": type(spark).__module__, "has_spark_context": has_spark_context(spark), "tables": {}, "again": {}}
    configs = {
        "t": CurateConfig(t=asked["t"]),
        "size": CurateConfig(target_size=10_000),
        "one text": CurateConfig(t=asked["t"], texts_per_image="one_text_per_image"),
    }
    for name, config in configs.items():
        output = f"{asked['output']}/{name.replace(' ', '-')}"
        report = curate(spark, pool, metadata, output, config)
        found["tables"][name] = {
            table: list(content_digest(spark.read.format("delta").load(path), without=()))
            for table, path in report.tables.items()
            if table != "runs"
        }
        found["again"][name] = curate(spark, pool, metadata, output, config).already_finished
    output = f"{asked['output']}/t"
    row = spark.read.format("delta").load(f"{output}/curated").orderBy("uid").first()
    found["audits"] = {
        "explained": explain_uid(spark, output, row.uid).verdict,
        "checked": check(spark, output).rows,
        "inspected": {table.name: table.rows for table in inspect(spark, output).tables},
        "sizes": {point.t: point.rows for point in sizes(spark, output).languages["en"].points if point.t == 1},
        "sampled": estimate(spark, pool, metadata, 0.1, configs["t"]).sampled,
    }
    try:
        curate(spark, replace(pool, paths=("/no/such/pool",)), metadata, output)
    except InputError as error:
        found["no pool"] = str(error)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
