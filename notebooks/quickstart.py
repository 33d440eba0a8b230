# Databricks notebook source
# MAGIC %md
# MAGIC # Quickstart
# MAGIC
# MAGIC Curates 48,223 real sentences against WordNet's 86,654 names and shows how every row of the result explains
# MAGIC itself. This takes a minute. The data come with the library.
# MAGIC
# MAGIC The bundle in `jobs/databricks` installs the library on the cluster. Without it, install the wheel first,
# MAGIC without extras, so that the runtime keeps its own Spark: `%pip install /Volumes/…/metaclip_spark-….whl`.

# COMMAND ----------

dbutils.widgets.text("folder", "/Volumes/main/default/metaclip/quickstart", "Folder for the pool and the tables")
folder = dbutils.widgets.get("folder")

# COMMAND ----------

# MAGIC %md
# MAGIC ## The pool
# MAGIC
# MAGIC Captions with their image URLs, here as a Delta table. It is written only once, so that a second run reads the
# MAGIC same version and recognises the finished result.

# COMMAND ----------

from metaclip_spark import CurateConfig, Pool, PoolColumns, curate, example, explain_uid, read_metadata, read_table

pool = Pool(paths=(f"{folder}/pool",), format="delta", columns=PoolColumns(text="text", image_url="image_url"))
spark.createDataFrame(example.pool_table()).write.format("delta").mode("ignore").save(pool.paths[0])
display(spark.read.format("delta").load(pool.paths[0]).limit(5))

# COMMAND ----------

# MAGIC %md
# MAGIC ## Curate
# MAGIC
# MAGIC The first pass counts how many captions each entry matches. The second keeps a caption if at least one of its
# MAGIC entries is sampled, each with probability min(1, t / count).

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
# MAGIC Each row has its matched entries, its probability, its draw and its admission threshold: the smallest t that
# MAGIC keeps it.

# COMMAND ----------

curated = read_table(spark, f"{folder}/tables", "curated")
display(curated.orderBy("admission_threshold").limit(10))

# COMMAND ----------

# MAGIC %md
# MAGIC A smaller curation is a filter and needs no run:

# COMMAND ----------

display(curated.where("admission_threshold <= 1").selectExpr("count(*) AS rows_at_t_1"))

# COMMAND ----------

# MAGIC %md
# MAGIC ## Why was this row kept?

# COMMAND ----------

explained = explain_uid(spark, f"{folder}/tables", curated.orderBy("uid").first().uid)
print(explained.verdict, explained.caption)
display(
    spark.createDataFrame(
        [(entry.entry, entry.count, entry.probability) for entry in explained.entries],
        "entry string, captions long, probability double",
    )
)
