# Databricks notebook source
# MAGIC %md
# MAGIC # Build the metadata
# MAGIC
# MAGIC Builds the entries that captions are matched to, by table 1 of *Demystifying CLIP Data*: WordNet's names,
# MAGIC frequent words of Wikipedia, pairs of words that belong together, and titles that are often viewed.
# MAGIC
# MAGIC The sources must be on a volume, because nothing is downloaded: NLTK's `corpora/wordnet`, a `pages-articles`
# MAGIC dump of Wikipedia, and hourly files of page views. Install the library with its extra: `%pip install
# MAGIC "/Volumes/…/metaclip_spark-….whl[metadata]"`. If you have metadata already, continue with `curate`.

# COMMAND ----------

dbutils.widgets.text("language", "en", "Language code of the Wikipedia")
dbutils.widgets.text("nltk_data", "/Volumes/main/default/nltk", "Folder with NLTK's corpora/wordnet, or empty")
dbutils.widgets.text("dump", "/Volumes/main/default/dumps/enwiki", "Dump of Wikipedia, a file or folder, or empty")
dbutils.widgets.text("page_views", "/Volumes/main/default/pageviews", "Folder of page views, or empty")
dbutils.widgets.text("output", "/Volumes/main/default/metaclip/metadata", "Folder of the metadata, or catalog.schema")
dbutils.widgets.text("total", "", "Maximum number of entries, or empty for the paper's 500,000")
dbutils.widgets.text("caption", "A photo of New York, at night", "Caption to match")

# COMMAND ----------

from metaclip_spark import Matcher, MetadataConfig, MetadataSources, build_metadata, read_metadata, read_table

value = {
    name: dbutils.widgets.get(name).strip()
    for name in ("language", "nltk_data", "dump", "page_views", "output", "total", "caption")
}
sources = MetadataSources(
    nltk_data=value["nltk_data"] or None,
    wordnet=bool(value["nltk_data"]),
    dump=(value["dump"],) if value["dump"] else (),
    page_views=(value["page_views"],) if value["page_views"] else (),
)
caps = {"total_cap": int(value["total"])} if value["total"] else {}
config = MetadataConfig.for_language(value["language"], **caps)

# COMMAND ----------

# MAGIC %md
# MAGIC ## Minimum counts, shares and caps
# MAGIC
# MAGIC English uses the numbers of the first paper, every other language the shares of *Meta CLIP 2*.

# COMMAND ----------

settings = [(key, str(number)) for key, number in config.as_dict().items()]
display(spark.createDataFrame(settings, "setting string, number string"))

# COMMAND ----------

# MAGIC %md
# MAGIC ## Build
# MAGIC
# MAGIC English Wikipedia takes hours on one core, the other sources minutes. The same sources give the same metadata,
# MAGIC byte for byte. It is written at the end, all or nothing.

# COMMAND ----------

report = build_metadata(spark, sources, value["output"], value["language"], config, progress=print)
print(f"{report.entries:,} entries, digest {report.metadata_digest}")
for warning in report.warnings:
    print(warning)

# COMMAND ----------

# MAGIC %md
# MAGIC ## Where the entries come from
# MAGIC
# MAGIC A source admits entries that no earlier source has. Its other candidates are in an earlier source, repeated,
# MAGIC above its cap, or rejected.

# COMMAND ----------

display(
    spark.createDataFrame(
        [
            (
                name,
                own["candidates"],
                own["admitted"],
                own["already_listed"],
                own["over_cap"],
                sum(own["rejects"].values()),
            )
            for name, own in report.merged.items()
        ],
        "source string, proposed long, admitted long, already_listed long, over_cap long, rejected long",
    )
)

# COMMAND ----------

# MAGIC %md
# MAGIC ## The metadata
# MAGIC
# MAGIC A table of all languages. The id of an entry is its position.

# COMMAND ----------

entries = read_table(spark, value["output"], "metadata").where(f"language = '{value['language']}'")
display(entries.orderBy("entry_id").limit(20))
display(entries.orderBy("score", ascending=False).select("admitted_by", "entry", "score").limit(20))

# COMMAND ----------

# MAGIC %md
# MAGIC ## Try it
# MAGIC
# MAGIC Give the path of the table, or the artifact beside it, to `curate`. In a catalog only the table is written.

# COMMAND ----------

metadata = read_metadata(report.files["table"], language=value["language"], spark=spark)
found = Matcher(metadata).find(value["caption"])
display(spark.createDataFrame([(match.entry_id, match.entry) for match in found], "entry_id long, entry string"))

# COMMAND ----------

dbutils.notebook.exit(report.files["table"])
