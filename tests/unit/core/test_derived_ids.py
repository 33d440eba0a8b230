"""Derived ids: fixed digests, and changes of the input that do and do not change them."""

from __future__ import annotations

import hashlib

import pytest

from metaclip_spark.core.derived_ids import UID_HASH, derived_uid, image_id

URL = "https://example.org/a.jpg"


@pytest.mark.parametrize(
    ("url", "text"),
    [
        pytest.param(URL, "a cat", id="ascii"),
        pytest.param(URL, "", id="empty text"),
        pytest.param("", "a cat", id="empty url"),
        pytest.param("https://example.org/ü.jpg", "写真📷", id="beyond ascii"),
    ],
)
def test_derived_uid_is_the_named_hash_of_url_zero_text(url: str, text: str) -> None:
    named = hashlib.new(UID_HASH, url.encode() + b"\x00" + text.encode(), usedforsecurity=False)
    assert derived_uid(url, text) == named.hexdigest()
    assert len(derived_uid(url, text)) == 32


def test_the_parts_of_a_uid_cannot_flow_together() -> None:
    assert derived_uid("ab", "c") != derived_uid("a", "bc")


def test_image_id_is_the_published_record_id() -> None:
    assert image_id(URL) == hashlib.sha224(URL.encode()).hexdigest()[:24] == "1d63379d7e8c160931a17eb0"


@pytest.mark.parametrize(
    ("url", "same"),
    [
        pytest.param(" https://example.org/a.jpg", True, id="leading space"),
        pytest.param("https://example.org\t/a.jpg", True, id="tab"),
        pytest.param("https://example.org/a.jpg\n", False, id="newline stays"),
        pytest.param("https://example.org/A.jpg", False, id="case stays"),
    ],
)
def test_image_id_ignores_tabs_and_spaces_only(url: str, same: bool) -> None:  # noqa: FBT001 - a column of the table
    assert (image_id(url) == image_id(URL)) is same
