"""Times and memory as people and schedulers write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcgen.base.units import clock, in_units, parse_memory, parse_time, size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30", 1800), ("2h", 7200), ("90m", 5400), ("1d12h", 129600), ("10:30", 630), ("1:00:00", 3600),
     ("3-00:00:00", 259200), ("1-6", 108000), ("1-6:30", 109800)],
)  # fmt: skip
def test_times(text: str, seconds: int) -> None:
    assert parse_time(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-1", "1:2:3:4", "0", "2 h", "1.5h", "0:00", "٣", "٣h", "1-٣", "1:٣"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="is no"):
        parse_time(text)


@pytest.mark.parametrize(
    ("text", "mib"), [("512M", 512), ("3G", 3072), ("2T", 2097152), ("3GB", 3072), ("1GiB", 1024), ("100", 100)]
)
def test_memory(text: str, mib: int) -> None:
    assert parse_memory(text) == mib


@pytest.mark.parametrize(
    ("text", "nearest"),
    [("1.5G", "1536M"), ("100K", "1M"), ("-3G", "3G"), ("lots", "3G"), ("0", "512M"), ("٣G", "3G")],
)
def test_what_is_no_memory(text: str, nearest: str) -> None:
    with pytest.raises(ValueError, match=nearest):
        parse_memory(text)


@given(st.integers(1, 10**8))
def test_round_trips(number: int) -> None:
    assert parse_time(clock(number)) == number
    assert parse_memory(size(number)) == number


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [("1", "core-hours", "1 core-hour"), ("0.5", "core-hours", "0.5 core-hours"), ("1", "SU", "1 SU"), ("10", "AU", "10 AU")],
)
def test_one_of_a_unit_is_singular(number: str, unit: str, text: str) -> None:
    assert in_units(number, unit) == text
