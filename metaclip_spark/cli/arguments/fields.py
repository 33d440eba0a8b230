"""Fields of the library's configuration that the options set, on the command line or in a `--conf` file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, get_type_hints

from metaclip_spark.cli.arguments.run_file import RunFile, read_run_file
from metaclip_spark.config.curation import WAYS_TO_CHOOSE_T, CurateConfig
from metaclip_spark.config.pool import Pool, PoolColumns
from metaclip_spark.host.places import here
from metaclip_spark.pools.presets import PresetName

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _ArgumentGroup


# An option that is not given leaves the field's own default.
CONFIG_FIELDS: Final = (
    *WAYS_TO_CHOOSE_T,
    "seed",
    "texts_per_image",
    "overwrite",
    "compression",
    "file_mib",
    "cluster",
    "reference_language",
    "check_ids",
    "reserve",
    "counts",
)
POOL_FIELDS: Final = {
    "format": "format",
    "pool_version": "version",
    "pool_name": "name",
    "header": "header",
    "multiline": "multiline",
    "schema": "schema",
    "rename": "rename",
    "drop": "drop",
    "cast": "cast",
    "skip_unreadable_files": "skip_unreadable_files",
}
COLUMN_FIELDS: Final = {
    "text_column": "text",
    "id_column": "uid",
    "url_column": "image_url",
    "language_column": "language",
}
CURATE_KEYS: Final = {
    option: get_type_hints(owner)[field]
    for owner, fields in (
        (CurateConfig, dict(zip(CONFIG_FIELDS, CONFIG_FIELDS, strict=True))),
        (Pool, POOL_FIELDS),
        (PoolColumns, COLUMN_FIELDS),
    )
    for option, field in fields.items()
} | {"preset": PresetName, "rename": Mapping[str, str], "cast": Mapping[str, str]}
"""Keys of [curate] in a `--conf` file, with their types."""

# `t` applies to the reference language, `tail_share` to the others: the two do not replace each other.
_COMPATIBLE: Final = {"t", "tail_share"}


def add_conf_argument(parser: ArgumentParser | _ArgumentGroup) -> None:
    """Add `--conf`."""
    parser.add_argument(
        "--conf", type=here, metavar="FILE", help="TOML file with settings and defaults of options (see conf/)"
    )


def run_file_of(options: Namespace) -> RunFile:
    """Return the contents of the `--conf` file; empty without one."""
    return read_run_file(options.conf, CURATE_KEYS) if options.conf else RunFile()


def chosen_values(options: Namespace, run_file: RunFile) -> Mapping[str, Any]:
    """Return the values of [curate], each from the command line or else from the file."""
    given = {name: value for name, value in vars(options).items() if name in CURATE_KEYS and value is not None}
    # One way to choose t on the command line replaces all those of the file: a `t` there does not contradict
    # `--target-size`.
    ways = given.keys() & set(WAYS_TO_CHOOSE_T)
    replaced = set(WAYS_TO_CHOOSE_T) if ways else set()
    if ways <= _COMPATIBLE <= run_file.curate.keys():  # the file has both: one given here replaces only itself
        replaced -= _COMPATIBLE
    return {name: value for name, value in run_file.curate.items() if name not in replaced} | given
