"""`metaclip-spark metadata`: from dumps to the list of entries; all at once, or source by source."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from metaclip_spark.cli.options import metadata_sources, run_file_of, session_options
from metaclip_spark.cli.rehearsals import add_progress, progress_of
from metaclip_spark.cli.session_arguments import add_output_options, add_session_options
from metaclip_spark.config.metadata import REFERENCE_LANGUAGE, MetadataConfig, MetadataSources
from metaclip_spark.errors import ConfigError, MetaclipSparkError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction
    from collections.abc import Iterable, Sequence

    from metaclip_spark.cli.run_file import RunFile

_COUNT, _LIMIT, _SHARE = "N", "N|none", "S"
# Options of the recipe, by the field of `MetadataConfig` that they set.
_RECIPE: Final = {
    "unigram_min_count": (_COUNT, "occurrences that a unigram needs (100; other languages: 1)"),
    "unigram_share": (_SHARE, "share of the distinct words that is kept (none; other languages: 0.1)"),
    "unigram_cap": (_LIMIT, "unigrams newly admitted at most (251465)"),
    "bigram_min_count": (
        _COUNT,
        "occurrences that a bigram needs in English Wikipedia; scaled down to smaller ones (100)",
    ),
    "bigram_min_pmi": (_SHARE, "bits of pointwise mutual information that a bigram needs (none: the best)"),
    "bigram_share": (_SHARE, "bigrams at most, as a share of the unigrams (none; other languages: 0.4)"),
    "bigram_cap": (_LIMIT, "bigrams newly admitted at most (100646)"),
    "title_min_line_views": (_COUNT, "views of an hourly line that counts (50; other languages: 1)"),
    "title_min_views": (_COUNT, "views over all files that a title needs (70; other languages: 1)"),
    "title_share": (_SHARE, "share of the distinct titles that is kept (none; other languages: 0.76)"),
    "title_cap": (_LIMIT, "titles newly admitted at most (61235)"),
    "total_cap": (_LIMIT, "entries at most (500000)"),
    "tokens": (_COUNT, "words of the corpus, where ready-made counts are a part of it (their sum)"),
}
_SWITCHES: Final = {
    "bigram_min_count_exact": "take --bigram-min-count as it is",
    "keep_odd": "words may begin and end with quotes, brackets and markup",
}
_PLACES: Final = {
    "dump": "pages-articles dump: .xml, .gz, .bz2, or a folder of parts",
    "unigrams": "ready-made counts in place of a dump: `word count` or `word<TAB>count`",
    "bigrams": "the same of pairs of words",
}
_OUTPUT: Final = {
    True: "folder to write to; or place in a store (s3a://…) or schema (catalog.schema), where the table alone is "
    "written and none of the files beside it: `curate --metadata LANG=TABLE` takes the table",
    False: "folder of this machine to write to",
}
STEPS: Final = ("build", "wordnet", "ngrams", "titles", "merge")


def add_metadata(commands_of: _SubParsersAction[ArgumentParser]) -> None:
    """Register the command, with a subcommand for all at once and for each step."""
    parser = commands_of.add_parser(
        "metadata",
        help="build the list of entries from WordNet and Wikipedia",
        description="Build metadata: WordNet's names, the frequent words and the most telling pairs of words of a "
        "Wikipedia, its titles by page views; merged in this order. Nothing is downloaded.",
    )
    steps = parser.add_subparsers(title="steps", required=True, metavar="STEP", dest="step")
    help_of = {
        "build": "all steps: from dumps to the list, its manifest and the compiled artifact",
        "wordnet": "WordNet's candidates alone, as a file `text<TAB>score`, and beside it where they are from",
        "ngrams": "candidates of words and pairs alone",
        "titles": "candidates of titles alone",
        "merge": "merge files of candidates into the list",
    }
    for step in STEPS:
        _add_step(steps, step, help_of[step])


def _add_step(steps: _SubParsersAction[ArgumentParser], step: str, help_: str) -> None:
    parser = steps.add_parser(step, help=help_, description=help_[0].upper() + help_[1:] + ".")
    parser.add_argument("--output", required=True, metavar="ROOT", help=_OUTPUT[step in {"build", "merge"}])
    several = "+" if step == "build" else 1
    parser.add_argument(
        "--language", nargs=several, default=[REFERENCE_LANGUAGE], metavar="LANG", help="of the Wikipedia (default: en)"
    )
    sources = parser.add_argument_group("the sources; LANG= where there are several languages")
    if step in {"build", "wordnet"}:
        sources.add_argument("--nltk-data", metavar="DIR", help="folder with NLTK's corpora/ (default: NLTK_DATA)")
    if step == "build":
        sources.add_argument(
            "--no-wordnet", action="store_true", help="leave WordNet out, and with it the numbers 0 to 99"
        )
    if step in {"build", "ngrams", "titles"}:
        places = ("dump",) if step == "titles" else tuple(_PLACES)
        for name in places:
            sources.add_argument(f"--{name}", nargs="+", default=[], metavar="[LANG=]PATH", help=_PLACES[name])
    if step in {"build", "titles"}:
        sources.add_argument(
            "--page-views", nargs="+", default=[], metavar="PATH", help="files pageviews-….gz, or folders of them"
        )
    if step == "merge":
        sources.add_argument(
            "--candidates", required=True, type=Path, metavar="DIR", help="where the other steps wrote"
        )
    if step in {"build", "merge"}:
        sources.add_argument("--official", metavar="LIST", help="a list to take as it is, before all sources")
        parser.add_argument("--compare", type=Path, metavar="LIST", help="another list, to tell the difference to")
    recipe = parser.add_argument_group("the recipe (defaults: the papers')")
    for name, (kind, said) in _RECIPE.items():
        recipe.add_argument(f"--{name.replace('_', '-')}", type=_value_of(kind), metavar=kind, help=said)
    for name, said in _SWITCHES.items():
        recipe.add_argument(f"--{name.replace('_', '-')}", action="store_true", default=None, help=said)
    parser.add_argument(
        "--conf", type=Path, metavar="FILE", help="TOML file of settings, [metadata] among them (conf/)"
    )
    add_progress(parser)
    add_session_options(parser)
    add_output_options(parser)
    parser.set_defaults(run=run_metadata)


def run_metadata(options: Namespace) -> None:
    """Do one step, or all, and print what came of it."""
    from metaclip_spark.spark.session import open_session  # noqa: PLC0415 - --help should not wait for Spark

    run_file = run_file_of(options)
    session = session_options(options, run_file)
    languages = list(dict.fromkeys(options.language))
    configs = {language: metadata_config_of(options, run_file, language) for language in languages}
    sources = {language: sources_of(options, language, languages) for language in languages}
    with open_session(master=session.master, settings=session.settings, jars=session.jars) as spark:
        if options.step == "build":
            _build(spark, options, sources, configs)
        else:
            _one_step(spark, options, languages[0], sources[languages[0]], configs[languages[0]])


def metadata_config_of(options: Namespace, run_file: RunFile, language: str) -> MetadataConfig:
    """The recipe of a language: the papers', then the file's values, then the options'.

    Raises:
        ConfigError: as `MetadataConfig`.
    """
    given = {name: getattr(options, name) for name in (*_RECIPE, *_SWITCHES)}
    chosen = {name: None if value == "none" else value for name, value in given.items() if value is not None}
    return MetadataConfig.for_language(language, **(run_file.metadata | chosen))


def sources_of(options: Namespace, language: str, languages: Sequence[str]) -> MetadataSources:
    """The sources of a language.

    Raises:
        ConfigError: a source is of no language asked for, or of one of several without saying which.
    """
    return MetadataSources(
        nltk_data=getattr(options, "nltk_data", None),
        wordnet=options.step in {"wordnet", "merge"} or (options.step == "build" and not options.no_wordnet),
        **{name: _paths_of(getattr(options, name, []), name, language, languages) for name in _PLACES},
        page_views=tuple(getattr(options, "page_views", [])),
        official=getattr(options, "official", None),
    )


def _paths_of(given: Iterable[str], name: str, language: str, languages: Sequence[str]) -> tuple[str, ...]:
    pairs = metadata_sources(given)
    unsaid = [path for own, path in pairs if own is None]
    if unsaid and len(languages) > 1:
        raise ConfigError(f"--{name} {unsaid[0]}: of which of {', '.join(languages)}? Write LANG=PATH")
    other = [own for own, _ in pairs if own is not None and own not in languages]
    if other:
        raise ConfigError(f"--{name} is given for {other[0]!r}, which is not asked for: add it to --language")
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
        of_languages = {language: report.as_dict() for language, report in built.reports.items()}
        failed = {language: str(error) for language, error in built.failures.items()}
        overall = {"digest": built.digest, "digests": built.digests}
        print(json.dumps(overall | {"languages": of_languages, "failed": failed}, indent=2))
    else:
        print("\n\n".join(render_metadata(report) for report in built.reports.values()))
        if len(built.digests) > 1:
            print(f"\nAll languages of {options.output} ({', '.join(built.digests)}): digest {built.digest}")
    if built.failures:
        raise _failure_of(built.failures, len(sources))


def _failure_of(failures: dict[str, MetaclipSparkError], languages: int) -> Exception:
    """One error for all that failed: of the first one's kind, but of none where one was not foreseen."""
    unforeseen = next((error for error in failures.values() if type(error) is MetaclipSparkError), None)
    first = unforeseen or next(iter(failures.values()))
    if languages == 1:
        return first.__cause__ if unforeseen is not None and isinstance(first.__cause__, Exception) else first
    said = "; ".join(f"{language}: {error}" for language, error in failures.items())
    failed = type(first)(f"{len(failures)} of {languages} languages failed: {said}")
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
        print(json.dumps(report.as_dict(), indent=2) if options.json else render_metadata(report))
        return
    written = write_candidates(
        spark, options.step, sources, Path(options.output), language, config, progress=progress_of(options)
    )
    print(json.dumps([one.as_dict() for one in written], indent=2) if options.json else render_written(written))


def _value_of(kind: str) -> Any:
    def value(text: str) -> Any:
        if kind == _LIMIT and text == "none":
            return text
        try:
            return float(text) if kind == _SHARE else int(text)
        except ValueError:
            raise ArgumentTypeError(f"{text!r} is no number") from None

    return value
