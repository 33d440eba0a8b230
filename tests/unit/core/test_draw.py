"""The draw: compared with the published vectors and with XXH64's reference, for every layout of a uid column."""

from __future__ import annotations

import json
import math
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
import xxhash

from metaclip_spark.core.draw import DRAW_VERSION, choice_hashes, choice_seed, draw, draws
from metaclip_spark.core.xxh64 import hash_rows, xxh64
from metaclip_spark.errors import ConfigError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable

PUBLISHED = json.loads(files("metaclip_spark.core").joinpath("draw_vectors.json").read_text(encoding="utf-8"))
VECTORS = [
    pytest.param(vector, id=f"{vector['uid'][:12]}-{vector['seed']}-{len(vector['uid'])}")
    for vector in PUBLISHED["vectors"]
]


def test_the_vectors_are_of_this_version() -> None:
    assert PUBLISHED["draw_version"] == DRAW_VERSION


@pytest.mark.parametrize("vector", VECTORS)
def test_published_vector(vector: dict[str, str]) -> None:
    uid, seed, expected = vector["uid"], int(vector["seed"]), float.fromhex(vector["draw_bits"])
    assert float(vector["draw"]) == expected
    assert f"{xxh64(uid.encode(), seed):016x}" == vector["hash"]
    assert f"{choice_seed(seed):016x}" == vector["choice_seed"]
    assert draw(uid, seed) == expected
    assert draws(pa.array([uid]), seed).tolist() == [expected]
    assert choice_hashes(pa.array([uid]), seed).tolist() == [int(vector["choice_hash"], 16)]


@pytest.mark.parametrize("seed", [0, 1, 2**63, 2**64 - 1])
def test_xxh64_equals_the_reference_implementation_at_every_length(seed: int) -> None:
    source = np.random.default_rng(seed % 2**32)
    values = [source.bytes(length) for length in range(200)]
    expected = [xxhash.xxh64_intdigest(value, seed) for value in values]
    assert [xxh64(value, seed) for value in values] == expected
    assert hash_rows(pa.array(values, pa.binary()), seed).tolist() == expected
    assert hash_rows(pa.array(values, pa.large_binary()), seed).tolist() == expected


TEXT: list[Any] = ["", "a", "läufer", None, "写真📷", "c69e8378c37fc91fd42502504ad0277a", "x" * 100]
NUMBERS: list[Any] = [0, 7, None, 127, 100]
LAYOUTS = {
    "string": pa.array(TEXT, pa.string()),
    "large_string": pa.array(TEXT, pa.large_string()),
    "string_view": pa.array(TEXT, pa.string_view()),
    "binary": pa.array([value and value.encode() for value in TEXT], pa.binary()),
    "large_binary": pa.array([value and value.encode() for value in TEXT], pa.large_binary()),
    "binary_view": pa.array([value and value.encode() for value in TEXT], pa.binary_view()),
    "dictionary": pa.array(TEXT).dictionary_encode(),
    "sliced": pa.array(["before", *TEXT, "after"])[1:-1],
    "sliced to nothing": pa.array(TEXT)[2:2],
    "empty": pa.array([], pa.string()),
    "all null": pa.array([None, None], pa.string()),
    "chunked": pa.chunked_array([TEXT[:2], TEXT[2:]]),
    "chunked to nothing": pa.chunked_array([], pa.string()),
    "int8": pa.array(NUMBERS, pa.int8()),
    "uint16": pa.array(NUMBERS, pa.uint16()),
    "int64": pa.array([-(2**63), -1, None, 2**63 - 1], pa.int64()),
    "uint64": pa.array([0, 2**64 - 1], pa.uint64()),
    "int32 sliced": pa.array([5, *NUMBERS], pa.int32())[1:],
}


@pytest.mark.parametrize("uids", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("seed", [0, 2**64 - 1])
def test_every_layout_draws_as_its_values_do(uids: pa.Array, seed: int) -> None:
    values = [value.decode() if isinstance(value, bytes) else value for value in uids.to_pylist()]
    expected = [math.nan if value is None else draw(value, seed) for value in values]
    np.testing.assert_array_equal(draws(uids, seed), np.array(expected, dtype=np.float64))
    hashes = [0 if value is None else xxh64(str(value).encode(), choice_seed(seed)) for value in values]
    assert choice_hashes(uids, seed).tolist() == hashes


REFUSED: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    "negative seed": (lambda: draw("a", -1), ConfigError, r"seed -1 .*2\*\*64"),
    "seed of 65 bits": (lambda: draws(pa.array(["a"]), 2**64), ConfigError, "18446744073709551616"),
    "seed that is no integer": (lambda: choice_seed(0.5), ConfigError, "seed 0.5"),  # type: ignore[arg-type]
    "float uids": (lambda: draws(pa.array([1.5]), 0), InputError, "type double .*cast"),
    "boolean uids": (lambda: choice_hashes(pa.array([True]), 0), InputError, "type bool"),
}


@pytest.mark.parametrize(("call", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_the_extreme_hashes_draw_inside_the_open_interval() -> None:
    least, greatest = (0 + 0.5) * 2.0**-52, (2**52 - 1 + 0.5) * 2.0**-52
    assert 0.0 < least < greatest < 1.0
    assert 1.0 - (1.0 - least) == least
    assert 1.0 - (1.0 - greatest) == greatest


ROWS = 300_000
SIGMAS = 4.0


def test_draws_are_uniform_and_independent_between_seeds() -> None:
    u, other = (draws(pa.array(range(ROWS)), seed) for seed in (0, 1))
    bins = np.bincount((u * 100).astype(int), minlength=100)
    chi_square = float(((bins - ROWS / 100) ** 2 / (ROWS / 100)).sum())
    assert abs(chi_square - 99) < SIGMAS * math.sqrt(2 * 99)
    assert abs(np.corrcoef(u, other)[0, 1]) < SIGMAS / math.sqrt(ROWS)


def test_the_choice_of_a_text_leaves_its_draw_uniform() -> None:
    uids = pa.array(range(ROWS))
    u, choice = draws(uids, 0).reshape(-1, 5), choice_hashes(uids, 0).reshape(-1, 5)
    chosen = np.take_along_axis(u, choice.argmin(axis=1)[:, None], axis=1)
    assert abs(chosen.mean() - 0.5) < SIGMAS / math.sqrt(12 * chosen.size)
    positions = np.bincount(choice.argmin(axis=1), minlength=5)
    assert (abs(positions - chosen.size / 5) < SIGMAS * math.sqrt(chosen.size * 0.16)).all()
