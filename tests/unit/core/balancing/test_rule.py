"""Balancing of hand-checked cases, by the plain rule and by the kernel."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

from metaclip_spark.core.balancing.kernels import balance
from metaclip_spark.core.balancing.rule import (
    BalancedRows,
    admission_threshold,
    balance_rows,
    keep_probability,
    miss_probability,
)
from metaclip_spark.errors import ConfigError, InputError
from metaclip_spark.host.cache_directory import CACHE_VARIABLE
from metaclip_spark.host.kernel_cache import kernel, read_only

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MIN_DOUBLE = 5e-324


def plain(counts: list[int], t: float, u: float) -> tuple[float, float]:
    return 1.0 - miss_probability(t, counts), admission_threshold(counts, u)


def in_kernel(counts: list[int], t: float, u: float) -> tuple[float, float]:
    ids = np.arange(len(counts), dtype=np.int32)
    rows = balance_rows(ids, np.array([0, len(counts)]), np.array(counts, dtype=np.int64), t, np.array([u]))
    return float(rows.probability[0]), float(rows.threshold[0])


CASES = {
    "no match": ([], 20_000, 0.75, 0.0, math.inf),
    "no match and no draw": ([], 20_000, math.nan, 0.0, math.inf),
    "no draw": ([40_000], 20_000, math.nan, 0.5, math.nan),
    "one head entry": ([80_000], 20_000, 0.5, 0.25, 40_000.0),
    "count equals t": ([20_000], 20_000, 0.5, 1.0, 10_000.0),
    "one tail entry keeps all": ([90_000, 3], 20_000, 0.5, 1.0, None),
    "two equal entries": ([128, 128], 64, 0.9375, 0.75, 96.0),
    "a match without count counts as 1": ([0], 0.25, 0.75, 0.25, 0.75),
    "count 1": ([1], 1.0, 0.75, 1.0, 0.75),
    "t below every double's quotient": ([2**62], MIN_DOUBLE, 0.75, 0.0, 0.75 * 2.0**62),
    "t huge": ([2**63 - 1, 1], 1e308, 0.5, 1.0, None),
    "draw so small that rounding admits half as soon": ([1], 1.0, 2.0**-53, 1.0, math.nextafter(2.0**-54, 1)),
    "greatest draw": ([8], 8.0, 1 - 2.0**-53, 1.0, 8 * (1 - 2.0**-53)),
    "count beyond 2**53 is rounded once": ([2**53 + 1], 2.0**52, 0.75, 0.5, 0.75 * 2.0**53),
    "half is admitted half a step early, as 1 - t is rounded to even": ([1], 1.0, 0.5, 1.0, math.nextafter(0.5, 0)),
}


@pytest.mark.parametrize("implementation", [plain, in_kernel])
@pytest.mark.parametrize(("counts", "t", "u", "probability", "threshold"), CASES.values(), ids=CASES)
def test_row(
    implementation: Callable[[list[int], float, float], tuple[float, float]],
    counts: list[int],
    t: float,
    u: float,
    probability: float,
    threshold: float | None,
) -> None:
    actual_probability, actual_threshold = implementation(counts, t, u)
    assert actual_probability == probability
    if threshold is not None:
        np.testing.assert_array_equal(actual_threshold, threshold)


def test_the_sum_of_probabilities_is_not_the_rule() -> None:
    assert keep_probability([0.5, 0.5]) == 0.75 != min(1.0, 0.5 + 0.5)


def test_keep_probability_is_the_complement_of_miss_probability() -> None:
    counts = [7, 30_000, 123_456]
    assert keep_probability([min(1.0, 5.5 / count) for count in counts]) == 1.0 - miss_probability(5.5, counts)


def test_rows_of_a_batch_do_not_touch_each_other() -> None:
    counts = np.array([80_000, 40_000, 10], dtype=np.int64)
    ids = np.array([0, 1, 0, 1, 2], dtype=np.int32)
    offsets = np.array([0, 0, 1, 1, 3, 5])
    u = np.array([0.5, 0.5, math.nan, 0.25, 0.125])
    rows = balance_rows(ids, offsets, counts, 20_000, u)
    assert isinstance(rows, BalancedRows)
    expected = [plain(counts[ids[a:b]].tolist(), 20_000, x) for a, b, x in zip(offsets, offsets[1:], u, strict=False)]
    np.testing.assert_array_equal(rows.probability, [q for q, _ in expected])
    np.testing.assert_array_equal(rows.threshold, [threshold for _, threshold in expected])


def test_empty_batch() -> None:
    rows = balance_rows(np.empty(0, np.int32), np.zeros(1, np.int64), np.zeros(3, np.int64), 1.0, np.empty(0))
    assert rows.probability.shape == rows.threshold.shape == (0,)


ONE_ROW = (np.array([1], np.int32), np.array([0, 1]), np.array([5, 6]))
U = np.array([0.5])


def of_row(ids: list[int], offsets: list[int]) -> Callable[[], object]:
    return lambda: balance_rows(
        np.array(ids, np.int32), np.array(offsets), ONE_ROW[2], 1.0, np.full(len(offsets) - 1, 0.5)
    )


REFUSED: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    "t = 0": (lambda: balance_rows(*ONE_ROW, 0.0, U), ConfigError, "t = 0.0"),
    "t = nan": (lambda: balance_rows(*ONE_ROW, math.nan, U), ConfigError, "t = nan"),
    "t = inf": (lambda: balance_rows(*ONE_ROW, math.inf, U), ConfigError, "t = inf"),
    "id past the counts": (of_row([2], [0, 1]), InputError, "ids run from 2 to 2, .* 2 counts"),
    "negative id": (of_row([-1], [0, 1]), InputError, "run from -1"),
    "too few draws": (lambda: balance_rows(*ONE_ROW, 1.0, np.empty(0)), InputError, "0 draws, 2 offsets and 1 ids"),
    "offsets short of the ids": (of_row([1], [0, 0]), InputError, "one offset more than draws"),
    "descending offsets": (of_row([1], [0, 2, 1]), InputError, "offsets of row 1 descend from 2 to 1"),
}


@pytest.mark.parametrize(("call", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_no_multiplication_is_fused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A product that is not rounded before it is subtracted would give other bits than the rule."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))  # of a kernel from the cache there is no assembly
    fresh = kernel(balance.__wrapped__)
    ids, offsets, counts = map(read_only, ONE_ROW)
    fresh(ids, offsets, counts, 1.0, read_only(U), np.empty(1), np.empty(1))
    (assembly,) = fresh.dispatcher.inspect_asm().values()
    instructions = set(re.findall(r"^\s+(\w+)", assembly, re.MULTILINE))
    assert any(re.fullmatch(r"v?f?mul\w*", name) for name in instructions)  # the steps are in it
    assert [name for name in instructions if re.match(r"v?fn?m(?:add|sub|la|ls)", name)] == []  # of x86 and ARM
