# Databricks notebook source
# MAGIC %md
# MAGIC # Choose t, and look at what it keeps
# MAGIC
# MAGIC Every run leaves an exact curve of size against t, so that another t needs no try. Reads the tables of a curated
# MAGIC pool only; nothing is written.

# COMMAND ----------

dbutils.widgets.text("output", "/Volumes/main/default/metaclip/curated", "Folder of the tables, or catalog.schema")
dbutils.widgets.text("entry", "dog", "Entry to explain")
output = dbutils.widgets.get("output")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Size against t
# MAGIC
# MAGIC Entries that fewer than t captions hold keep all their matches: the tail. `tail_share` is their part of all
# MAGIC matches; the paper's t = 20,000 leaves about 6 %. The curve has more points than the powers of two shown here.

# COMMAND ----------

import math

from metaclip_spark import explain_entry, inspect, read_table, sizes

curves = sizes(spark, output)
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
# MAGIC ## What is there
# MAGIC
# MAGIC Tables, runs, and the entries with most matches, which balancing thins out most.

# COMMAND ----------

found = inspect(spark, output)
display(
    spark.createDataFrame(
        [(table.name, table.rows, table.files, table.bytes) for table in found.tables],
        "name string, rows long, files long, bytes long",
    )
)
display(
    spark.createDataFrame(
        [
            (figures.language, entry, count, min(1.0, figures.t / count))
            for figures in found.languages
            for _, entry, count in figures.top_entries
        ],
        "language string, entry string, captions long, probability double",
    )
)

# COMMAND ----------

# MAGIC %md
# MAGIC ## What one entry does

# COMMAND ----------

entry = explain_entry(spark, output, dbutils.widgets.get("entry"))
print(f"{entry.entry!r} is of the {entry.place}: {entry.count} captions hold it, t is {entry.t}")
display(
    spark.createDataFrame(
        [("kept", row.caption, row.admission_threshold) for row in entry.kept]
        + [("dropped", row.caption, row.admission_threshold) for row in entry.dropped],
        "what string, caption string, admission_threshold double",
    )
)

# COMMAND ----------

# MAGIC %md
# MAGIC ## How much of the table is of rare entries?
# MAGIC
# MAGIC In SQL, from the tables alone.

# COMMAND ----------

read_table(spark, output, "curated").createOrReplaceTempView("curated")
read_table(spark, output, "entry_counts").createOrReplaceTempView("entry_counts")
display(
    spark.sql("""
        WITH kept AS (SELECT counts_version, language, explode(matched_entries) AS entry_id FROM curated)
        SELECT language, entry, e.count AS captions, count(*) AS kept
        FROM kept JOIN entry_counts e USING (counts_version, language, entry_id)
        GROUP BY ALL ORDER BY captions, entry LIMIT 20
    """)
)
