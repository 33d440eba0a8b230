"""Why a caption is kept or not: for any caption, and for a row of the run's pool by its uid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from metaclip_spark.audit.explain.explain_report import CaptionExplanation, EntryEvidence, finite
from metaclip_spark.audit.explain.pool_rows import PoolRow, chosen_text, find_in_pool, of_uid, open_run_pool, text_bytes
from metaclip_spark.core.balancing.rule import balance_rows
from metaclip_spark.core.draw import draw
from metaclip_spark.core.matching.compile_metadata import compile_metadata
from metaclip_spark.core.matching.matcher import Matcher
from metaclip_spark.core.spacing import space_caption
from metaclip_spark.runs.run_language import check_metadata, run_entries, run_language
from metaclip_spark.runs.stored_counts import count_rows
from metaclip_spark.runs.tables_state import current_run
from metaclip_spark.spark.job_errors import translated_job_errors
from metaclip_spark.spark.session import check_session
from metaclip_spark.tables.schemas import CURATED
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame, Row, SparkSession

    from metaclip_spark.audit.explain.explain_report import Verdict
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.runs.run_language import RunEntries
    from metaclip_spark.runs.stored_run import StoredRun

_ONE_TEXT = "one_text_per_image"


def explain_caption(
    spark: SparkSession,
    output: str,
    caption: str,
    metadata: CompiledMetadata | None = None,
    *,
    uid: str | int | None = None,
    language: str | None = None,
) -> CaptionExplanation:
    """What a run's counts and threshold say of a caption, be it in its pool or not.

    Args:
        spark: a session with Delta.
        output: root (a path, or catalog.schema) of the run's tables.
        caption: any text.
        metadata: the list that the run matched. None: only entries that captions of the run's pool hold are looked for.
        uid: id of the row, which draws. None: only the probability is known.
        language: of the caption; may be left out if the run has one only.

    Raises:
        MetaclipSparkError: there is no finished run, no such language, or the metadata is of another list.
    """
    check_session(spark)
    tables = Tables(spark, output)
    with translated_job_errors(tables):
        run = current_run(tables)
        language = run_language(run, language or (metadata.language if metadata else None))
        row = PoolRow(uid=uid, text=caption.encode(errors="surrogatepass"), language=language)
        return _decided(row, run_entries(tables, run, language, metadata), run, found_in="given")


def explain_uid(
    spark: SparkSession, output: str, uid: str | int, metadata: CompiledMetadata | None = None
) -> CaptionExplanation:
    """Why the row of the pool with this uid is kept, or is not.

    A kept row is explained by what is stored with it. Another one is looked up in the pool that the run recorded, which
    is read for it, and is matched and decided again.

    Args:
        spark: a session with Delta.
        output: root (a path, or catalog.schema) of the run's tables.
        uid: of the row; where ids are derived, 32 hex digits.
        metadata: the list that the run matched. None: the entries with a count, which are all that a row of the pool
            can hold.

    Raises:
        InputError: neither the table nor the pool has the uid (near ones are named), the pool is not what it was when
            the run read it, or the metadata is of another list.
        TableError: there is no finished run.
    """
    check_session(spark)
    tables = Tables(spark, output)
    with translated_job_errors(tables):
        run = current_run(tables)
        if metadata is not None:
            check_metadata(run, metadata.language, metadata)
        curated = tables.read(CURATED)
        kept = curated.where(of_uid(curated, uid)).limit(1).collect() if curated is not None else []
        if kept:
            return _kept(kept[0], tables, run)
        pool = open_run_pool(spark, tables, run)
        return _dropped(find_in_pool(pool, uid), pool, tables, run, metadata)


def _kept(row: Row, tables: Tables, run: StoredRun) -> CaptionExplanation:
    """A row of the curated table, by what is stored with it."""
    stored = count_rows(tables, run.counts_version)
    mine = stored.where((stored.language == row.language) & stored.entry_id.isin(row.matched_entries))
    counts = {found.entry_id: (found.entry, found["count"]) for found in mine.collect()}
    texts = {entry_id: counts.get(entry_id, ("", 0))[0] for entry_id in row.matched_entries}
    content = text_bytes(row.text) or b""
    places = _positions(Matcher(compile_metadata(list(texts.values()), language=row.language)), content)
    t = run.t[row.language]
    evidence = [
        _evidence(entry_id, entry, places.get(position, []), counts.get(entry_id, ("", 0))[1], t)
        for position, (entry_id, entry) in enumerate(texts.items())
    ]
    return CaptionExplanation(
        verdict="kept",
        caption=content.decode(errors="replace"),
        spaced=space_caption(content).decode(errors="replace"),
        language=row.language,
        entries=evidence,
        t=t,
        probability=row.probability,
        uid=str(row.uid),
        draw=row.draw,
        admission_threshold=row.admission_threshold,
        seed=run.seed,
        run_id=run.run_id,
        found_in="curated",
    )


def _dropped(
    row: PoolRow, pool: DataFrame, tables: Tables, run: StoredRun, metadata: CompiledMetadata | None
) -> CaptionExplanation:
    """A row of the pool that the curated table does not hold, decided again."""
    language = row.language if "language" in pool.columns else next(iter(run.metadata_digests))
    if not row.text or language is None or language not in run.metadata_digests:
        fate: Verdict = "language_without_metadata" if row.text else "null" if row.text is None else "empty"
        return _unmatched(row, run, fate, found_in="pool")
    own = metadata if metadata is not None and metadata.language == language else None
    entries = run_entries(tables, run, language, own)
    if run.configuration["texts_per_image"] != _ONE_TEXT:
        return _decided(row, entries, run, found_in="pool")
    if not (row.image_url or "").strip("\t "):
        return _decided(row, entries, run, found_in="pool", changes={"draw": None, "verdict": "no_identity"})
    chosen = chosen_text(pool, row, entries, run.seed)
    changes = {} if chosen in {row.uid, None} else {"verdict": "not_chosen", "chosen_uid": str(chosen)}
    return _decided(row, entries, run, found_in="pool", changes=changes)


def _decided(
    row: PoolRow,
    entries: RunEntries,
    run: StoredRun,
    *,
    found_in: Literal["pool", "given"],
    changes: Mapping[str, object] | None = None,
) -> CaptionExplanation:
    """Match a caption and decide it as the run does.

    Args:
        row: the caption with its uid.
        entries: of its language.
        run: the run.
        found_in: where the row comes from.
        changes: what else is known, of a row that matches.
    """
    ids = entries.matcher.match(row.text) if row.text else []
    if not ids or row.text is None:
        return _unmatched(row, run, "unmatched" if row.text else "empty", found_in=found_in, entries=entries)
    places = _positions(entries.matcher, row.text)
    u = np.nan if row.uid is None else draw(row.uid, run.seed)
    decision = balance_rows(
        np.array(ids, np.int32), np.array([0, len(ids)]), entries.counts, entries.t, np.array([u], np.float64)
    )
    threshold = float(decision.threshold[0])
    values: dict[str, object] = {
        "verdict": _verdict(threshold, entries.t, found_in),
        "caption": row.text.decode(errors="replace"),
        "spaced": space_caption(row.text).decode(errors="replace"),
        "language": entries.language,
        "entries": [
            _evidence(i, entries.matcher.compiled.entry(i), places.get(i, []), int(entries.counts[i]), entries.t)
            for i in ids
        ],
        "t": entries.t,
        "probability": float(decision.probability[0]),
        "uid": None if row.uid is None else str(row.uid),
        "draw": finite(u),
        "admission_threshold": finite(threshold),
        "seed": run.seed,
        "run_id": run.run_id,
        "found_in": found_in,
        "all_entries": entries.complete or found_in == "pool",
    }
    return CaptionExplanation(**(values | dict(changes or {})))  # type: ignore[arg-type]  # checked by the test of each case


def _verdict(threshold: float, t: float, found_in: str) -> Verdict:
    if np.isnan(threshold):
        return "open" if found_in == "given" else "no_identity"
    if threshold > t:
        return "not_drawn"
    return "kept" if found_in == "given" else "deleted"


def _unmatched(
    row: PoolRow,
    run: StoredRun,
    verdict: Verdict,
    *,
    found_in: Literal["pool", "given"],
    entries: RunEntries | None = None,
) -> CaptionExplanation:
    """A row that no entry was found for, or looked for."""
    return CaptionExplanation(
        verdict=verdict,
        caption=None if row.text is None else row.text.decode(errors="replace"),
        spaced=None if row.text is None else space_caption(row.text).decode(errors="replace"),
        language=entries.language if entries else row.language,
        entries=[],
        t=entries.t if entries else None,
        probability=None,
        uid=None if row.uid is None else str(row.uid),
        draw=None if row.uid is None else draw(row.uid, run.seed),
        admission_threshold=None,
        seed=run.seed,
        run_id=run.run_id,
        found_in=found_in,
        all_entries=entries is None or entries.complete or found_in == "pool",
    )


def _positions(matcher: Matcher, text: bytes) -> dict[int, list[tuple[int, int]]]:
    """Where each entry stands in the caption, in characters; undecodable bytes are one each."""
    places: dict[int, list[tuple[int, int]]] = {}
    for match in matcher.find(text.decode(errors="replace")):
        places.setdefault(match.entry_id, []).append((match.start, match.end))
    return places


def _evidence(entry_id: int, entry: str, positions: list[tuple[int, int]], count: int, t: float) -> EntryEvidence:
    return EntryEvidence(entry_id, entry, positions, count, min(1.0, t / max(count, 1)))
