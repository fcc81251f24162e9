"""Overlays: changing single figures, adding rows, marking as measured, digests."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placement.capacity import CapacityModel, load_model
from placement.capacity.figures import In, is_raw_figure
from placement.errors import InputError

BASE = load_model("rithmxo-1.0")


def overlaid(override: dict[str, Any]) -> CapacityModel:
    return load_model("rithmxo-1.0", override)


def fails(override: dict[str, Any], override_file: str = "override") -> list[str]:
    with pytest.raises(InputError) as caught:
        load_model("rithmxo-1.0", override, override_file)
    return [str(problem) for problem in caught.value.problems]


def test_dotted_path_and_nested_mapping_are_the_same() -> None:
    dotted = overlaid({"hosts.sizes.medium.cpu_cores": 12})
    nested = overlaid({"hosts": {"sizes": {"medium": {"cpu_cores": 12}}}})
    mixed = overlaid({"hosts.sizes": {"medium.cpu_cores": 12}})
    assert dotted == nested == mixed
    assert dotted.digest == nested.digest == mixed.digest
    assert dotted.host_sizes()["medium"].cpu_millicores == 12_000


def test_changed_figure_is_an_estimate_by_override_and_keeps_its_owner() -> None:
    entry = overlaid({"hosts.sizes.medium.cpu_cores": 12}).entry("hosts.sizes.medium.cpu_cores")
    assert (entry.value, entry.status, entry.source, entry.owner) == (
        12,
        "estimate",
        "override",
        "Infrastructure",
    )
    assert entry.unit == "cores"


def test_nothing_else_changes() -> None:
    changed = overlaid({"hosts.sizes.medium.cpu_cores": 12})
    differing = [entry.path for entry in changed.entries() if entry != BASE.entry(entry.path)]
    assert differing == ["hosts.sizes.medium.cpu_cores"]


def test_own_owner_of_a_figure_stays() -> None:
    path = "services.baseline_requests_per_second"
    assert overlaid({path: 120}).entry(path).owner == "Product / SRE"


def test_measured_with_a_value() -> None:
    path = "services.profiles.typical.cpu_cores"
    model = overlaid({path: {"value": 0.42, "status": "measured", "source": "load test 2026-10"}})
    entry = model.entry(path)
    assert (entry.value, entry.status, entry.source, entry.note) == (
        0.42,
        "measured",
        "load test 2026-10",
        "",
    )
    assert model.profile_demand("typical", "typical")["cpu_millicores"] == 420
    rests_on = {entry.path for entry in model.estimates_for(["typical"], ["medium"], False)}
    assert path not in rests_on
    assert "services.profiles.typical.memory_mb" in rests_on


def test_measured_without_a_number_keeps_the_number() -> None:
    path = "services.backend.normal.memory_mb"
    entry = overlaid({path: {"status": "measured", "source": "load test 2026-10"}}).entry(path)
    assert (entry.low, entry.typical, entry.high, entry.status) == (200, 300, 400, "measured")


def test_one_end_of_a_range() -> None:
    path = "services.backend.normal.memory_mb"
    entry = overlaid({f"{path}.high": 500}).entry(path)
    assert (entry.low, entry.typical, entry.high) == (200, 350, 500)  # the midpoint moves along
    entry = overlaid({path: {"low": 250, "typical": 260}}).entry(path)
    assert (entry.low, entry.typical, entry.high) == (250, 260, 400)
    # a value becomes a range
    path = "services.backend.idle.memory_mb"
    entry = overlaid({f"{path}.high": 140}).entry(path)
    assert (entry.low, entry.typical, entry.high) == (120, 130, 140)


def test_texts_and_defaults() -> None:
    model = overlaid({"defaults": {"profile": "heavy", "price_list": "aws-us-east-1-m7i"}})
    assert model.default_profile == "heavy"
    assert model.host_sizes()["small"].price_micros_per_hour == 201_600


def test_figure_of_a_profile_that_had_none() -> None:
    # `typical` has no open files of its own: 200 are the back end's under normal load
    assert BASE.profile_demand("typical", "typical")["open_files"] == 200
    model = overlaid({"services.profiles.typical.open_files": 300})
    assert model.profile_demand("typical", "typical")["open_files"] == 300
    assert model.entry("services.profiles.typical.open_files").source == "override"


def test_new_rows() -> None:
    model = overlaid(
        {
            "hosts.sizes.huge": {
                "title": "64 cores, 256 GB", "family": "standard", "cpu_cores": 64, "memory_mb": 256_000,
                "os_reserved_mb": 2000, "max_open_files": 25_000_000, "max_threads": 1_953_125,
                "disk_gb": 3200, "nic": "40gbe",
            },
            "network.nics.40gbe": {"title": "40GbE", "capacity_mbps": 40_000},
            "prices.aws-us-east-1-m6i.price_per_hour.huge": 3.072,
            "services.profiles.batch": {
                "title": "Batch", "level": "peak", "cpu_cores": {"low": 1, "high": 4},
            },
            "prices.own": {
                "currency": "EUR", "as_of": "2026-03-01", "terms": "own machines",
                "price_per_hour": {"small": 0.1, "medium": 0.2, "large": 0.4, "xlarge": 0.8, "huge": 1.6},
            },
        }
    )  # fmt: skip
    huge = model.host_sizes()["huge"]
    assert (huge.cpu_millicores, huge.nic_kbps, huge.price_micros_per_hour) == (64_000, 40_000_000, 3_072_000)
    assert model.host_sizes("own")["huge"].price_micros_per_hour == 1_600_000
    assert model.currency("own") == "EUR"
    assert model.profile_demand("batch", "high")["cpu_millicores"] == 4000
    assert model.profile_demand("batch", "high")["threads"] == 50
    for path in (
        "hosts.sizes.huge.cpu_cores",
        "services.profiles.batch.cpu_cores",
        "prices.own.price_per_hour.small",
    ):
        assert model.entry(path).source == "override"
    assert model.entry("hosts.sizes.huge.max_open_files").source == "override"  # not the bundled sizes' source
    assert model.entry("prices.own.price_per_hour.small").unit == "EUR/h"


def test_provenance_of_a_new_row() -> None:
    nic = {"title": "40GbE", "capacity_mbps": 40_000, "provenance": {"status": "measured", "source": "iperf"}}
    entry = overlaid({"network.nics.40gbe": nic}).entry("network.nics.40gbe.capacity_mbps")
    assert (entry.status, entry.source, entry.owner) == ("measured", "iperf", "Network Engineering")


@pytest.mark.parametrize(
    ("override", "column", "suggestion"),
    [
        ({"hosts.sizes.medum.cpu_cores": 12}, "hosts.sizes.medum", "medium"),
        ({"hosts.sizes.medium.cpu_coers": 12}, "hosts.sizes.medium.cpu_coers", "cpu_cores"),
        ({"hosts.sizs.medium.cpu_cores": 12}, "hosts.sizs", "sizes"),
        ({"host.sizes.medium.cpu_cores": 12}, "host", "hosts"),
        ({"services": {"profiles": {"tipical": {"memory_mb": 1}}}}, "services.profiles.tipical", "typical"),
        ({"alerts.thresholds.disc.warning": 0.5}, "alerts.thresholds.disc", "disk"),
    ],
)
def test_unknown_path(override: dict[str, Any], column: str, suggestion: str) -> None:
    (told,) = fails(override)
    assert told.startswith(f"override, {column}: ")
    assert f"did you mean {suggestion!r}?" in told


def test_every_problem_is_told_under_the_overlays_name() -> None:
    told = fails({"hosts.sizes.small.nic": 5, "services.backend.idle.threads": -1, "x": 1}, "fleet.yaml")
    assert [text.split(":")[0] for text in told] == [
        "fleet.yaml, hosts.sizes.small.nic", "fleet.yaml, services.backend.idle.threads", "fleet.yaml, x",
    ]  # fmt: skip


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1, "12", True, None, [], 10**10, {}])
def test_bad_value(bad: object) -> None:
    (told,) = fails({"hosts.sizes.medium.cpu_cores": bad})
    assert told.startswith("override, hosts.sizes.medium.cpu_cores: ")


def test_keys_that_are_no_text() -> None:
    assert "not text" in fails({"hosts": {5: 1}})[0]


def test_scalar_in_place_of_a_table() -> None:
    assert "a mapping with" in fails({"hosts.sizes.medium": 3})[0]
    assert "not a mapping" in fails({"hosts": "none"})[0]


def test_overlay_and_model_are_left_alone() -> None:
    override = {"hosts": {"sizes.medium": {"cpu_cores": {"value": 12}}}}
    before = copy.deepcopy(override)
    overlaid(override)
    assert override == before
    assert load_model("rithmxo-1.0") == BASE


def test_digest_follows_the_content() -> None:
    assert BASE.digest.startswith("sha256:")
    assert len(BASE.digest) == 71
    assert load_model("rithmxo-1.0").digest == BASE.digest
    seen = {BASE.digest}
    for override in (
        {"hosts.sizes.medium.cpu_cores": 12},
        {"hosts.sizes.medium.cpu_cores": 12.001},
        {"prices.aws-us-east-1-m7i.price_per_hour.small": 0.2},
        {"services.profiles.typical.memory_mb": {"status": "measured", "source": "test"}},
        {"bottlenecks.points.dns.solution": "none"},
    ):
        digest = overlaid(override).digest
        assert digest not in seen
        seen.add(digest)
    # 12 and 12.0 are the same content
    assert overlaid({"hosts.sizes.medium.cpu_cores": 12.0}).digest in seen


def test_every_figure_is_in_the_digest() -> None:
    for entry in BASE.entries()[::40]:  # a sample: loading takes its time
        model = overlaid({entry.path: {"note": "changed"}})
        assert model.digest != BASE.digest, entry.path
        assert model.entry(entry.path).note.startswith("changed")


def test_models_can_be_sent_to_other_processes() -> None:
    model = overlaid({"hosts.sizes.medium.cpu_cores": 12})
    again = pickle.loads(pickle.dumps(model))
    assert again == model
    assert again.digest == model.digest


NUMBERS = st.one_of(
    st.integers(0, 10**9), st.floats(0, 1e9, allow_nan=False, allow_infinity=False, allow_subnormal=False)
)


@given(st.lists(NUMBERS, min_size=3, max_size=3))
def test_any_ordered_numbers_are_a_figure(numbers: list[float]) -> None:
    low, typical, high = sorted(numbers)
    parsed = In("MB").parse({"low": low, "typical": typical, "high": high})
    assert isinstance(parsed, dict)
    assert (parsed["low"], parsed["typical"], parsed["high"]) == (low, typical, high)
    derived = In("MB").parse({"low": low, "high": high})
    assert isinstance(derived, dict)
    assert low <= derived["typical"] <= high
    assert ("midpoint" in derived["note"]) == (low != high)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([e.path for e in BASE.entries() if e.path.startswith("observability.logs.k")]), NUMBERS)
def test_any_number_can_be_laid_over_a_figure(path: str, number: float) -> None:
    entry = overlaid({path: number}).entry(path)
    assert (entry.low, entry.typical, entry.high) == (number, number, number)


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.text(max_size=3), NUMBERS),
        lambda inner: st.dictionaries(
            st.sampled_from(["value", "low", "typical", "high", "unit", "status", "note", "x"]), inner
        ),
        max_leaves=6,
    )
)
def test_whatever_is_parsed_as_a_figure_looks_like_one(raw: Any) -> None:
    try:
        parsed = In("MB").parse(raw)
    except ValueError:  # the validator's error is one
        return
    assert is_raw_figure(raw)
    assert isinstance(parsed, dict)
    assert parsed["low"] <= parsed["typical"] <= parsed["high"]
