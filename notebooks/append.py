# Databricks notebook source
# MAGIC %md
# MAGIC # Append a pool
# MAGIC
# MAGIC Adds a new pool to curated tables. The result equals one run over all pools, but only the new one is read.
# MAGIC Counts only grow, so some of the old rows are dropped.

# COMMAND ----------

dbutils.widgets.text(
    "pool", "/Volumes/main/default/pools/newest", "New pool: folder of files, or a Delta table by path or name"
)
dbutils.widgets.dropdown("format", "parquet", ["parquet", "delta"], "Format of the pool")
dbutils.widgets.text("pool_name", "newest", "Name of the pool, recorded with its rows")
dbutils.widgets.text("text_column", "text", "Column of the caption")
dbutils.widgets.text("url_column", "url", "Column of the image's URL")
dbutils.widgets.text("metadata", "/Volumes/main/default/metadata/entries.txt.gz", "Metadata of the tables")
dbutils.widgets.text("tables", "/Volumes/main/default/metaclip/curated", "Root of the tables, or catalog.schema")
dbutils.widgets.text("t", "", "t to bring the tables to afterwards, or empty")

# COMMAND ----------

from metaclip_spark import Pool, PoolColumns, append, check, diff, inspect, read_metadata, rebalance

tables, pool_name = dbutils.widgets.get("tables"), dbutils.widgets.get("pool_name")
before = next(table.versions - 1 for table in inspect(spark, tables).tables if table.name == "curated")
pool = Pool(
    paths=(dbutils.widgets.get("pool"),),
    format=dbutils.widgets.get("format"),
    name=pool_name,
    columns=PoolColumns(text=dbutils.widgets.get("text_column"), image_url=dbutils.widgets.get("url_column")),
)
metadata = read_metadata(dbutils.widgets.get("metadata"), spark=spark)

# COMMAND ----------

# MAGIC %md
# MAGIC ## Append
# MAGIC
# MAGIC Running this again with the same pool changes nothing: the run is recognised.

# COMMAND ----------

report = append(spark, pool, metadata, tables, progress=print)
if dbutils.widgets.get("t"):
    report = rebalance(spark, tables, float(dbutils.widgets.get("t")), metadata, progress=print)
display(spark.createDataFrame(list(report.counters.items()), "rows string, number long"))

# COMMAND ----------

# MAGIC %md
# MAGIC ## Check
# MAGIC
# MAGIC Compares every row with the figures of the run. An error lists all differences.

# COMMAND ----------

checked = check(spark, tables, pool_name=pool_name)
display(spark.createDataFrame(list(checked.rows_by_pool.items()), "pool_name string, rows long"))

# COMMAND ----------

# MAGIC %md
# MAGIC ## What changed
# MAGIC
# MAGIC Rows added and removed, by reason: the pool, the counts, or t.

# COMMAND ----------

if not report.already_finished:
    changes = diff(spark, tables, tables, before_at=before)
    moves = [("added", move.reason, move.rows, move.example) for move in changes.rows_added]
    moves += [("removed", move.reason, move.rows, move.example) for move in changes.rows_removed]
    display(spark.createDataFrame(moves, "what string, reason string, rows long, example string"))

# COMMAND ----------

dbutils.notebook.exit(report.run_id)
