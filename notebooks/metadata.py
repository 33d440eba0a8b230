# Databricks notebook source
# MAGIC %md
# MAGIC # Build the metadata
# MAGIC
# MAGIC The list of entries that captions are matched to, made as table 1 of *Demystifying CLIP Data* says: WordNet's
# MAGIC names, frequent words of Wikipedia, pairs of words that go together, and titles that are looked at.
# MAGIC
# MAGIC Needs the sources on a volume, since nothing is downloaded here: NLTK's `corpora/wordnet`, a `pages-articles`
# MAGIC dump of Wikipedia, and hourly files of page views. The cluster needs the library with its extra for this,
# MAGIC `%pip install "/Volumes/…/metaclip_spark-….whl[metadata]"`. Who has a list already goes on with `curate`.

# COMMAND ----------

dbutils.widgets.text("language", "en", "Language: the code of its Wikipedia")
dbutils.widgets.text("nltk_data", "/Volumes/main/default/nltk", "Folder with NLTK's corpora/wordnet, or empty")
dbutils.widgets.text("dump", "/Volumes/main/default/dumps/enwiki", "Dump of Wikipedia, a file or folder, or empty")
dbutils.widgets.text("page_views", "/Volumes/main/default/pageviews", "Folder of page views, or empty")
dbutils.widgets.text("output", "/Volumes/main/default/metaclip/metadata", "Folder of the list, or catalog.schema")
dbutils.widgets.text("total", "", "Entries at most, or empty for the paper's 500,000")
dbutils.widgets.text("caption", "A photo of New York, at night", "Caption to try the list on")

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
# MAGIC ## Least counts, shares and caps
# MAGIC
# MAGIC English has the numbers of the first paper, every other language the shares of *Meta CLIP 2*.

# COMMAND ----------

settings = [(key, str(number)) for key, number in config.as_dict().items()]
display(spark.createDataFrame(settings, "setting string, number string"))

# COMMAND ----------

# MAGIC %md
# MAGIC ## Build
# MAGIC
# MAGIC English Wikipedia takes hours of a core, the other sources minutes. The same sources give the same list, byte
# MAGIC for byte; it is written at the end, all or nothing.

# COMMAND ----------

report = build_metadata(spark, sources, value["output"], value["language"], config, progress=print)
print(f"{report.entries:,} entries, digest {report.metadata_digest}")
for warning in report.warnings:
    print(warning)

# COMMAND ----------

# MAGIC %md
# MAGIC ## Where the entries come from
# MAGIC
# MAGIC A source admits what no earlier one had. What it proposed besides was held by an earlier one, repeated, above
# MAGIC its cap, or rejected.

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
# MAGIC ## The list
# MAGIC
# MAGIC A table of all languages; an entry's id is its place.

# COMMAND ----------

entries = read_table(spark, value["output"], "metadata").where(f"language = '{value['language']}'")
display(entries.orderBy("entry_id").limit(20))
display(entries.orderBy("score", ascending=False).select("admitted_by", "entry", "score").limit(20))

# COMMAND ----------

# MAGIC %md
# MAGIC ## Try it
# MAGIC
# MAGIC The table is metadata as it stands: give its place, or the artifact beside it, to `curate`. In a catalog the
# MAGIC table is all that is written.

# COMMAND ----------

metadata = read_metadata(report.files["table"], language=value["language"], spark=spark)
found = Matcher(metadata).find(value["caption"])
display(spark.createDataFrame([(match.entry_id, match.entry) for match in found], "entry_id long, entry string"))

# COMMAND ----------

dbutils.notebook.exit(report.files["table"])
