# Databricks notebook source
# MAGIC %md
# MAGIC # Append a pool
# MAGIC
# MAGIC A new pool joins a curated table: the result is that of one run over all pools, row for row, but only the new
# MAGIC one is read. Counts only grow, so that some of the old rows leave.

# COMMAND ----------

dbutils.widgets.text(
    "pool", "/Volumes/main/default/pools/newest", "The new pool: folder of files, or a Delta table by path or name"
)
dbutils.widgets.dropdown("format", "parquet", ["parquet", "delta"], "Format of the pool")
dbutils.widgets.text("pool_name", "newest", "Its name, which marks its rows")
dbutils.widgets.text("text_column", "text", "Column of the caption")
dbutils.widgets.text("url_column", "url", "Column of the image's URL")
dbutils.widgets.text("metadata", "/Volumes/main/default/metadata/entries.txt.gz", "The entry list of the table")
dbutils.widgets.text("output", "/Volumes/main/default/metaclip/curated", "Folder of the tables, or catalog.schema")
dbutils.widgets.text("t", "", "Bring the table to this t afterwards, or empty")

# COMMAND ----------

from metaclip_spark import Pool, PoolColumns, append, check, diff, inspect, read_metadata, rebalance

output, pool_name = dbutils.widgets.get("output"), dbutils.widgets.get("pool_name")
before = next(table.versions - 1 for table in inspect(spark, output).tables if table.name == "curated")
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
# MAGIC A second time, with the same pool, changes nothing: the run is recognised.

# COMMAND ----------

report = append(spark, pool, metadata, output, progress=print)
if dbutils.widgets.get("t"):
    report = rebalance(spark, output, float(dbutils.widgets.get("t")), metadata, progress=print)
display(spark.createDataFrame(list(report.counters.items()), "rows string, number long"))

# COMMAND ----------

# MAGIC %md
# MAGIC ## Check
# MAGIC
# MAGIC Every row is held against the figures of the run; an error lists what differs.

# COMMAND ----------

checked = check(spark, output, pool_name=pool_name)
display(spark.createDataFrame(list(checked.rows_by_pool.items()), "pool_name string, rows long"))

# COMMAND ----------

# MAGIC %md
# MAGIC ## What changed
# MAGIC
# MAGIC Rows in and out, by the reason that decided: the pool, the counts, or t.

# COMMAND ----------

if not report.already_finished:
    changes = diff(spark, output, output, before_at=before)
    moves = [("came", move.reason, move.rows, move.example) for move in changes.came]
    moves += [("left", move.reason, move.rows, move.example) for move in changes.left]
    display(spark.createDataFrame(moves, "what string, reason string, rows long, example string"))

# COMMAND ----------

dbutils.notebook.exit(report.run_id)
