"""Text of an explanation: a sentence with the verdict, then the figures from which it follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from metaclip_spark.core.text_layout import aligned, count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metaclip_spark.audit.explain.explain_report import CaptionExplanation, EntryExplanation, ExampleRow

_MAX_ENTRIES: Final = 40  # entries shown per caption; the JSON report has all
_MAX_PLACES: Final = 4
_CAPTION_LENGTH: Final = 76

_REASONS: Final = {
    "unmatched": "no entry matches it",
    "null": "its caption is null",
    "empty": "its caption is empty",
    "language_without_metadata": "there is no metadata for its language",
    "no_identity": "it has no id or no URL, and so no draw",
}


def render_caption(found: CaptionExplanation) -> str:
    """Return the explanation of a row or caption as text, without a final line break."""
    facts = [
        ("caption", "(null)" if found.caption is None else repr(found.caption)),
        ("spaced", repr(found.spaced) if found.spaced is not None else ""),
        ("uid", found.uid or ""),
        ("language", found.language or ""),
    ]
    blocks = [[_verdict(found)], aligned([fact for fact in facts if fact[1]], right=())]
    if found.entries:
        blocks += [_evidence(found), _decision(found)]
    if not found.all_entries_searched:
        blocks.append(["Only entries that match a caption of the pool were searched. To search all, pass --metadata."])
    blocks.append([f"Run {found.run_id}"])
    return "\n\n".join("\n".join(block) for block in blocks)


def render_entry(found: EntryExplanation) -> str:
    """Return the explanation of an entry as text, without a final line break."""
    facts = [("entry", repr(found.entry)), ("id", str(found.entry_id)), ("language", found.language)]
    if found.count:
        facts += [
            ("count", f"{count(found.count)} matching captions"),
            ("rank", f"{count(found.rank or 0)} of {count(found.ranked)} entries that matched"),
            ("t", f"{found.t:,.10g}"),
            ("p = min(1, t / count)", _share(found.probability)),
        ]
    blocks = [[_headline(found)], aligned(facts, right=())]
    blocks += [_examples("Kept", found.kept)] if found.kept else []
    if found.dropped:
        blocks.append(_examples("Dropped", found.dropped))
    elif found.rows_searched:
        blocks.append([f"No dropped caption among the {count(found.rows_searched)} rows of the pool searched"])
    blocks.append([f"Run {found.run_id}"])
    return "\n\n".join("\n".join(block) for block in blocks)


def _verdict(found: CaptionExplanation) -> str:
    threshold, t = found.admission_threshold, found.t
    kept, dropped = ("Would be kept", "Would be dropped") if found.found_in == "given" else ("Kept", "Dropped")
    if found.verdict == "kept":
        return f"{kept}: its admission threshold {threshold:,.6g} is at most t = {t:,.10g}"
    if found.verdict == "not_drawn":
        return f"{dropped}: its admission threshold {threshold:,.6g} is above t = {t:,.10g}"
    if found.verdict == "not_chosen":
        return f"{dropped}: among the texts of its image, the one with uid {found.chosen_uid} was chosen"
    if found.verdict == "undecided":
        return f"{kept} with probability {_share(found.probability)}. Pass a uid to see its draw and the decision."
    if found.verdict == "deleted":
        return "Deleted: the run kept it, but it is no longer in the curated table"
    return f"{dropped}: {_REASONS[found.verdict]}"


def _evidence(found: CaptionExplanation) -> list[str]:
    rows = [("entry", "id", "count", "p", "characters")]
    for entry in found.entries[:_MAX_ENTRIES]:
        places = ", ".join(f"{start}-{end}" for start, end in entry.positions[:_MAX_PLACES])
        more = ", …" if len(entry.positions) > _MAX_PLACES else ""
        rows.append(
            (entry.entry, str(entry.entry_id), count(entry.count), _share(entry.probability), places + more),
        )
    left = len(found.entries) - _MAX_ENTRIES
    return ["Matching entries", *aligned(rows, right=(1, 2, 3)), *([f"  and {left} more"] if left > 0 else [])]


def _decision(found: CaptionExplanation) -> list[str]:
    rows = [("q = 1 - prod(1 - p)", _share(found.probability), "probability that the row is kept")]
    if found.draw is not None:
        rows.append(("u", _share(found.draw), f"draw of the uid under seed {found.seed}; the row is kept if u < q"))
    if found.admission_threshold is not None:
        rows.append(("admission threshold", f"{found.admission_threshold:,.6g}", "smallest t that keeps the row"))
    rows.append(("t", f"{found.t:,.10g}", "threshold of the run"))
    return ["Decision", *aligned(rows)]


def _headline(found: EntryExplanation) -> str:
    if found.group == "head":
        return f"Head: its count is at least t = {found.t:,.10g}, so it keeps each matching caption with probability p"
    if found.group == "tail":
        return f"Tail: its count is below t = {found.t:,.10g}, so it keeps every matching caption"
    if found.fate == "matchable":
        return "Never matched: no caption of the pool matches it"
    return f"Can never match: {found.fate}"


def _examples(heading: str, rows: Sequence[ExampleRow]) -> list[str]:
    cells = [("uid", "q", "threshold", "caption")]
    for row in rows:
        threshold = "-" if row.admission_threshold is None else f"{row.admission_threshold:,.4g}"
        caption = row.caption if len(row.caption) <= _CAPTION_LENGTH else row.caption[:_CAPTION_LENGTH] + "…"
        cells.append((row.uid or "-", _share(row.probability), threshold, repr(caption)))
    return [heading, *aligned(cells, right=(1, 2))]


def _share(probability: float | None) -> str:
    """Return a probability with four digits; never as 1 if it is less.

    >>> _share(1.0), _share(0.99999), _share(0.25), _share(1.5e-7)
    ('1', '>0.9999', '0.25', '1.5e-07')
    """
    if probability is None:
        return "-"
    text = f"{probability:.4g}"
    return ">0.9999" if text == "1" and probability < 1 else text
