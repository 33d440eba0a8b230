"""`metaclip-spark metadata`: build metadata from dumps, all at once or source by source."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from typing import TYPE_CHECKING, Any, Final

from metaclip_spark.cli.arguments.fields import add_conf_argument, run_file_of
from metaclip_spark.cli.arguments.metadata import metadata_sources
from metaclip_spark.cli.arguments.printing import (
    add_printing_arguments,
    announce_kernels,
    print_report,
    progress_of,
)
from metaclip_spark.cli.arguments.session import add_session_arguments, session_of
from metaclip_spark.config.metadata import REFERENCE_LANGUAGE, MetadataConfig, MetadataSources
from metaclip_spark.errors import ConfigError, MetaclipSparkError
from metaclip_spark.host.places import here

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _ArgumentGroup, _SubParsersAction
    from collections.abc import Iterable, Sequence

    from metaclip_spark.cli.arguments.run_file import RunFile

_COUNT, _LIMIT, _SHARE = "N", "N|none", "S"
# Options of the recipe, by the field of `MetadataConfig` that they set.
_RECIPE: Final = {
    "unigram_min_count": (_COUNT, "minimum number of occurrences of a unigram (100; other languages: 1)"),
    "unigram_share": (_SHARE, "share of the distinct words to keep (none; other languages: 0.1)"),
    "unigram_cap": (_LIMIT, "maximum number of newly admitted unigrams (251465)"),
    "bigram_min_count": (
        _COUNT,
        "minimum number of occurrences of a bigram in English Wikipedia, scaled down for smaller ones (100)",
    ),
    "bigram_min_pmi": (_SHARE, "minimum pointwise mutual information of a bigram, in bits (none: take the best)"),
    "bigram_share": (_SHARE, "maximum number of bigrams, as a share of the unigrams (none; other languages: 0.4)"),
    "bigram_cap": (_LIMIT, "maximum number of newly admitted bigrams (100646)"),
    "title_min_line_views": (_COUNT, "minimum number of views for a line to count (50; other languages: 1)"),
    "title_min_views": (_COUNT, "minimum number of views of a title over all files (70; other languages: 1)"),
    "title_share": (_SHARE, "share of the distinct titles to keep (none; other languages: 0.76)"),
    "title_cap": (_LIMIT, "maximum number of newly admitted titles (61235)"),
    "total_cap": (_LIMIT, "maximum number of entries (500000)"),
    "tokens": (_COUNT, "number of words of the corpus, if ready-made counts cover a part of it (their sum)"),
}
_SWITCHES: Final = {
    "bigram_min_count_exact": "do not scale --bigram-min-count",
    "keep_odd": "admit words that start or end with quotes, brackets or markup",
}
_PLACES: Final = {
    "dump": "pages-articles dump: .xml, .gz, .bz2, or a folder of parts",
    "unigrams": "ready-made counts instead of a dump: `word count` or `word<TAB>count`",
    "bigrams": "ready-made counts of bigrams",
}
_OUTPUT: Final = {
    True: "folder to write to, or a place in a store (s3a://…) or a schema (catalog.schema), which gets only the table "
    "(for `curate --metadata LANG=TABLE`) and no files",
    False: "folder on this machine to write to",
}
_STEPS: Final = {
    "build": "run all steps: from dumps to the metadata, its manifest and the compiled artifact",
    "wordnet": "write the candidates of WordNet only, as `text<TAB>score`, with their origin beside them",
    "ngrams": "write the candidates of words and bigrams only",
    "titles": "write the candidates of titles only",
    "merge": "merge files of candidates into the metadata",
}


def add_metadata(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command, with a subcommand for all steps together and for each of them."""
    parser = commands.add_parser(
        "metadata",
        description="Build metadata from WordNet's names and a Wikipedia's frequent words, most strongly associated "
        "bigrams and most viewed titles, merged in this order. Downloads nothing.",
    )
    steps = parser.add_subparsers(title="steps", required=True, metavar="STEP", dest="step")
    for step, described in _STEPS.items():
        _add_step(steps, step, described)


def _add_step(steps: _SubParsersAction[ArgumentParser], step: str, described: str) -> None:
    parser = steps.add_parser(
        step,
        usage="%(prog)s --output ROOT [OPTION ...]",
        help=described,
        description=f"{described[0].upper()}{described[1:]}.",
    )
    parser.add_argument("--output", required=True, metavar="ROOT", help=_OUTPUT[step in {"build", "merge"}])
    parser.add_argument(
        "--language",
        nargs="+" if step == "build" else 1,
        default=[REFERENCE_LANGUAGE],
        metavar="LANG",
        help="language code of the Wikipedia (default: en)",
    )
    sources = _add_sources(parser, step)
    if step in {"build", "merge"}:
        sources.add_argument("--official", metavar="LIST", help="entries to admit unchanged, before all sources")
        parser.add_argument("--compare", type=here, metavar="LIST", help="other metadata to compare the result with")
    recipe = parser.add_argument_group("recipe (defaults: those of the papers)")
    for name, (kind, meaning) in _RECIPE.items():
        recipe.add_argument(f"--{name.replace('_', '-')}", type=_value_of(kind), metavar=kind, help=meaning)
    for name, meaning in _SWITCHES.items():
        recipe.add_argument(f"--{name.replace('_', '-')}", action="store_true", default=None, help=meaning)
    add_conf_argument(parser)
    add_session_arguments(parser)
    add_printing_arguments(parser)
    parser.set_defaults(run=run_metadata)


def _add_sources(parser: ArgumentParser, step: str) -> _ArgumentGroup:
    sources = parser.add_argument_group("sources (write LANG= if there are several languages)")
    if step in {"build", "wordnet"}:
        sources.add_argument("--nltk-data", metavar="DIR", help="folder with NLTK's corpora/ (default: $NLTK_DATA)")
    if step == "build":
        sources.add_argument(
            "--no-wordnet", action="store_true", help="leave WordNet out, and with it the numbers 0 to 99"
        )
    if step in {"build", "ngrams", "titles"}:
        for name in ("dump",) if step == "titles" else tuple(_PLACES):
            sources.add_argument(f"--{name}", nargs="+", default=[], metavar="[LANG=]PATH", help=_PLACES[name])
    if step in {"build", "ngrams"}:
        sources.add_argument(
            "--any-project", action="store_true", help="read dumps of Wiktionary, Wikidata, Commons, …, too"
        )
    if step in {"build", "titles"}:
        sources.add_argument(
            "--page-views",
            nargs="+",
            default=[],
            metavar="PATH",
            help="hourly files pageviews-….gz, daily ones pageviews-…-user.bz2, or folders of them",
        )
    if step == "merge":
        sources.add_argument(
            "--candidates", required=True, type=here, metavar="DIR", help="folder that the other steps wrote to"
        )
    return sources


def run_metadata(options: Namespace) -> None:
    """Run one step, or all, and print the report."""
    from metaclip_spark.core.wikitext import strip_markup  # noqa: PLC0415 - `--help` must not load numba

    run_file = run_file_of(options)
    languages = list(dict.fromkeys(options.language))
    configs = {language: metadata_config_of(options, run_file, language) for language in languages}
    sources = {language: sources_of(options, language, languages) for language in languages}
    with session_of(options, run_file) as spark:
        if options.step in {"build", "ngrams"}:
            announce_kernels(options, strip_markup)
        if options.step == "build":
            _build(spark, options, sources, configs)
        else:
            _one_step(spark, options, languages[0], sources[languages[0]], configs[languages[0]])


def metadata_config_of(options: Namespace, run_file: RunFile, language: str) -> MetadataConfig:
    """Return the recipe of a language: the paper's, overridden by the file, overridden by the options.

    Raises:
        ConfigError: As for `MetadataConfig`.
    """
    given = {name: getattr(options, name) for name in (*_RECIPE, *_SWITCHES)}
    chosen = {name: None if value == "none" else value for name, value in given.items() if value is not None}
    return MetadataConfig.for_language(language, **(run_file.metadata | chosen))


def sources_of(options: Namespace, language: str, languages: Sequence[str]) -> MetadataSources:
    """Return the sources of a language.

    Raises:
        ConfigError: The language of a source is not requested, or is not named although there are several.
    """
    return MetadataSources(
        nltk_data=getattr(options, "nltk_data", None),
        wordnet=options.step in {"wordnet", "merge"} or (options.step == "build" and not options.no_wordnet),
        **{name: _paths_of(getattr(options, name, []), name, language, languages) for name in _PLACES},
        any_project=getattr(options, "any_project", False),
        page_views=tuple(getattr(options, "page_views", [])),
        official=getattr(options, "official", None),
    )


def _paths_of(given: Iterable[str], name: str, language: str, languages: Sequence[str]) -> tuple[str, ...]:
    pairs = metadata_sources(given)
    unnamed = [path for own, path in pairs if own is None]
    if unnamed and len(languages) > 1:
        raise ConfigError(
            f"--{name} {unnamed[0]} does not name one of the languages {', '.join(languages)}. Pass LANG=PATH."
        )
    others = [own for own, _ in pairs if own is not None and own not in languages]
    if others:
        raise ConfigError(f"--{name} is given for the language {others[0]!r}. Add it to --language.")
    return tuple(path for own, path in pairs if own in {None, language})


def _build(
    spark: Any, options: Namespace, sources: dict[str, MetadataSources], configs: dict[str, MetadataConfig]
) -> None:
    from metaclip_spark.metadata.build_languages import build_languages  # noqa: PLC0415
    from metaclip_spark.metadata.report_text import render_metadata  # noqa: PLC0415

    built = build_languages(
        spark, sources, options.output, configs, compare=options.compare, progress=progress_of(options)
    )
    if options.json:
        reports = {language: report.as_dict() for language, report in built.reports.items()}
        failed = {language: str(error) for language, error in built.failures.items()}
        overall = {"digest": built.digest, "digests": built.digests}
        print(json.dumps(overall | {"languages": reports, "failed": failed}, indent=2))
    else:
        print("\n\n".join(render_metadata(report) for report in built.reports.values()))
        if len(built.digests) > 1:
            print(f"\nAll languages of {options.output} ({', '.join(built.digests)}): digest {built.digest}")
    if built.failures:
        raise _failure_of(built.failures, len(sources))


def _failure_of(failures: dict[str, MetaclipSparkError], languages: int) -> Exception:
    """Return one error for all failures: an unexpected one if there is any, else of the kind of the first."""
    unexpected = next((error for error in failures.values() if type(error) is MetaclipSparkError), None)
    first = unexpected or next(iter(failures.values()))
    if languages == 1:
        return first.__cause__ if unexpected is not None and isinstance(first.__cause__, Exception) else first
    messages = "; ".join(f"{language}: {error}" for language, error in failures.items())
    failed = type(first)(f"{len(failures)} of {languages} languages failed: {messages}")
    failed.__cause__ = first
    return failed


def _one_step(spark: Any, options: Namespace, language: str, sources: MetadataSources, config: MetadataConfig) -> None:
    from metaclip_spark.metadata.build_stepwise import merge_candidates, write_candidates  # noqa: PLC0415
    from metaclip_spark.metadata.report_text import render_metadata, render_written  # noqa: PLC0415

    if options.step == "merge":
        report = merge_candidates(
            spark, options.candidates, options.output, language, config, official=options.official,
            compare=options.compare, progress=progress_of(options),
        )  # fmt: skip
        print_report(options, report, render_metadata)
        return
    written = write_candidates(
        spark, options.step, sources, here(options.output), language, config, progress=progress_of(options)
    )
    print(json.dumps([one.as_dict() for one in written], indent=2) if options.json else render_written(written))


def _value_of(kind: str) -> Any:
    def value(text: str) -> Any:
        if kind == _LIMIT and text == "none":
            return text
        try:
            return float(text) if kind == _SHARE else int(text)
        except ValueError:
            raise ArgumentTypeError(f"{text!r} is not a number") from None

    return value
