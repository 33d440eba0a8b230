# Databricks notebook source
# MAGIC %md
# MAGIC # Choose t, and see what it keeps
# MAGIC
# MAGIC Every run stores an exact curve of size against t, so the size at another t is known without a run. This
# MAGIC notebook reads the tables of a curated pool and writes nothing.

# COMMAND ----------

dbutils.widgets.text("tables", "/Volumes/main/default/metaclip/curated", "Root of the tables, or catalog.schema")
dbutils.widgets.text("entry", "dog", "Entry to explain")
tables = dbutils.widgets.get("tables")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Size against t
# MAGIC
# MAGIC Entries that match fewer than t captions are the tail and keep all their matches. `tail_share` is their share
# MAGIC of all matches; the paper's t = 20,000 leaves about 6 %. The curve has more points than the powers of two shown
# MAGIC here.

# COMMAND ----------

import math

from metaclip_spark import explain_entry, inspect, read_table, sizes

curves = sizes(spark, tables)
points = [
    (language, point.t, point.rows, point.head, point.tail_share)
    for language, curve in curves.languages.items()
    for point in curve.points
    if math.log2(point.t).is_integer()
]
display(
    spark.createDataFrame(points, "language string, t double, rows long, head long, tail_share double").orderBy(
        "language", "t"
    )
)

# COMMAND ----------

# MAGIC %md
# MAGIC ## The tables
# MAGIC
# MAGIC Sizes of the tables, and the entries with the most matches, which balancing reduces most.

# COMMAND ----------

found = inspect(spark, tables)
display(
    spark.createDataFrame(
        [(table.name, table.rows, table.files, table.bytes) for table in found.tables],
        "name string, rows long, files long, bytes long",
    )
)
display(
    spark.createDataFrame(
        [
            (figures.language, entry, count, min(1.0, figures.report.t / count))
            for figures in found.languages
            for _, entry, count in figures.top_entries
        ],
        "language string, entry string, captions long, probability double",
    )
)

# COMMAND ----------

# MAGIC %md
# MAGIC ## The effect of one entry

# COMMAND ----------

entry = explain_entry(spark, tables, dbutils.widgets.get("entry"))
print(f"{entry.entry!r} is a {entry.group} entry: it matches {entry.count} captions, t is {entry.t}")
display(
    spark.createDataFrame(
        [("kept", row.caption, row.admission_threshold) for row in entry.kept]
        + [("dropped", row.caption, row.admission_threshold) for row in entry.dropped],
        "what string, caption string, admission_threshold double",
    )
)

# COMMAND ----------

# MAGIC %md
# MAGIC ## The rarest entries among the kept rows
# MAGIC
# MAGIC In SQL, from the tables only.

# COMMAND ----------

read_table(spark, tables, "curated").createOrReplaceTempView("curated")
read_table(spark, tables, "entry_counts").createOrReplaceTempView("entry_counts")
display(
    spark.sql("""
        WITH kept AS (SELECT counts_version, language, explode(matched_entries) AS entry_id FROM curated)
        SELECT language, entry, e.count AS captions, count(*) AS kept
        FROM kept JOIN entry_counts e USING (counts_version, language, entry_id)
        GROUP BY ALL ORDER BY captions, entry LIMIT 20
    """)
)
