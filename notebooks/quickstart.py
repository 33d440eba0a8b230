# Databricks notebook source
# MAGIC %md
# MAGIC # Quickstart
# MAGIC
# MAGIC Curates 48,223 real sentences against WordNet's 86,654 names, and shows what every row of the result says of
# MAGIC itself. Takes a minute; the data come with the library.
# MAGIC
# MAGIC The library is on the cluster if the bundle in `jobs/databricks` put it there. Otherwise install its wheel
# MAGIC first, without extras, so that the runtime keeps its own Spark: `%pip install /Volumes/…/metaclip_spark-….whl`.

# COMMAND ----------

dbutils.widgets.text("folder", "/Volumes/main/default/metaclip/quickstart", "Folder for pool and tables")
folder = dbutils.widgets.get("folder")

# COMMAND ----------

# MAGIC %md
# MAGIC ## The pool
# MAGIC
# MAGIC Captions with their image URLs, here as a Delta table. It is written once: a second run finds the same version,
# MAGIC and knows that its result is there already.

# COMMAND ----------

from metaclip_spark import CurateConfig, Pool, PoolColumns, curate, example, explain_uid, read_metadata, read_table

pool = Pool(paths=(f"{folder}/pool",), format="delta", columns=PoolColumns(text="text", image_url="image_url"))
spark.createDataFrame(example.pool_table()).write.format("delta").mode("ignore").save(pool.paths[0])
display(spark.read.format("delta").load(pool.paths[0]).limit(5))

# COMMAND ----------

# MAGIC %md
# MAGIC ## Curate
# MAGIC
# MAGIC Two passes: count how many captions hold each entry; then keep a caption if one of its entries fires, each with
# MAGIC probability min(1, t / count).

# COMMAND ----------

report = curate(
    spark,
    pool,
    read_metadata(example.metadata_path()),
    f"{folder}/tables",
    CurateConfig(t=example.T, seed=0),
    progress=print,
)
display(spark.createDataFrame(list(report.counters.items()), "rows string, number long"))

# COMMAND ----------

# MAGIC %md
# MAGIC ## The result
# MAGIC
# MAGIC Each row has its matched entries, its probability, its draw and its admission threshold: the least t that
# MAGIC keeps it.

# COMMAND ----------

curated = read_table(spark, f"{folder}/tables", "curated")
display(curated.orderBy("admission_threshold").limit(10))

# COMMAND ----------

# MAGIC %md
# MAGIC A smaller curation is a filter, without another run:

# COMMAND ----------

display(curated.where("admission_threshold <= 1").selectExpr("count(*) AS rows_at_t_1"))

# COMMAND ----------

# MAGIC %md
# MAGIC ## Why is this row here?

# COMMAND ----------

explained = explain_uid(spark, f"{folder}/tables", curated.orderBy("uid").first().uid)
print(explained.verdict, explained.caption)
display(
    spark.createDataFrame(
        [(entry.entry, entry.count, entry.probability) for entry in explained.entries],
        "entry string, captions long, probability double",
    )
)
