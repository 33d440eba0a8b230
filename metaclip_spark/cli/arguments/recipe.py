"""The options of the recipe: metadata, threshold and draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark.cli.arguments.fields import CONFIG_FIELDS, chosen_values
from metaclip_spark.cli.arguments.metadata import add_metadata_argument
from metaclip_spark.config.curation import TEXTS_PER_IMAGE, CurateConfig

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from metaclip_spark.cli.arguments.run_file import RunFile


def add_recipe_arguments(parser: ArgumentParser) -> None:
    """Add the options of the recipe."""
    recipe = parser.add_argument_group("recipe")
    add_metadata_argument(recipe)
    recipe.add_argument("--t", type=float, help="threshold in matches per entry (default: 20000)")
    recipe.add_argument(
        "--target-size", type=int, metavar="N", help="instead of --t: the smallest t that keeps at least N rows"
    )
    recipe.add_argument(
        "--keep-share", type=float, metavar="SHARE", help="instead of --t: keep this share of the rows read"
    )
    recipe.add_argument(
        "--tail-share",
        type=float,
        metavar="SHARE",
        help="instead of --t: share of the matches on tail entries (paper: 0.06). With --t: the tail share of the "
        "languages other than the reference language",
    )
    recipe.add_argument("--reference-language", metavar="LANG", help="language to which --t applies (default: en)")
    recipe.add_argument("--seed", type=int, help="seed of the draw (default: 0)")
    recipe.add_argument(
        "--texts-per-image", choices=TEXTS_PER_IMAGE, help="which texts of an image are kept (default: all_pairs)"
    )
    recipe.add_argument(
        "--counts",
        metavar="ROOT[@COUNTS_VERSION]",
        help="balance by the frozen counts of another curation (default: the counts of this pool)",
    )
    recipe.add_argument(
        "--check-ids",
        action="store_true",
        default=None,
        help="count ids that several rows have; such rows share one draw",
    )


def config_of(options: Namespace, run_file: RunFile) -> CurateConfig:
    """Return the configuration of the recipe.

    Raises:
        ConfigError: As for `CurateConfig`.
    """
    chosen = chosen_values(options, run_file)
    return CurateConfig(**{name: chosen[name] for name in CONFIG_FIELDS if name in chosen})
