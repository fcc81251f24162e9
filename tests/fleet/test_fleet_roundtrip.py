"""What is written is what is read, in every format; and garbage is never anything but bad input."""

from __future__ import annotations

import hashlib
import random
import tempfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from placement.errors import InputError
from placement.fleet import FleetFrames, Policy, fleet_to_frames, read_fleet, write_fleet
from placement.fleet.columns import NAME_PATTERN
from placement.fleet.digest import _hash_column

FORMATS = ("csv", "parquet", "jsonl")
HEADER = "format: placement/fleet/1\nname: test\nmodel: rithmxo-1.0\nservices: services.{ending}\n"

names = st.from_regex(NAME_PATTERN.replace("$", r"\Z"), fullmatch=True)
texts = st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), max_size=12)
thousandths = st.integers(0, 10**9).map(lambda number: number / 1000)
any_numbers = st.floats(0, 1e6, allow_nan=False)

SERVICE = st.fixed_dictionaries(
    {
        "instances": st.none() | st.integers(1, 100),
        "max_per_host": st.none() | st.integers(1, 5),
        "profile": st.sampled_from([None, "minimal", "typical", "backend-normal"]),
        "cpu_cores": st.none() | thousandths,
        "memory_mb": st.none() | any_numbers,
        "disk_gb": st.none() | any_numbers,
        "network_mbps": st.none() | thousandths,
        "open_files": st.none() | st.integers(0, 10**6),
        "threads": st.none() | st.integers(0, 10**6),
        "domain": st.none() | texts,
        "load_profile": st.sampled_from([None, "read-heavy", "balanced"]),
        "sensitivity": st.sampled_from([None, "pii", "public"]),
        "region": st.sampled_from(["eu", "us"]),
        "spread": st.sampled_from([None, "host", "zone"]),
        "db_storage_gb": st.none() | thousandths,
        "db_rows": st.none() | st.integers(0, 10**9),
        "valkey_mb": st.none() | any_numbers,
        "valkey_function": st.none() | texts,
        "needs_postgres": st.none() | st.booleans(),
        "frontend": st.none() | st.booleans(),
    }
)
TYPES = {
    "service": pl.String,
    "instances": pl.Int64,
    "max_per_host": pl.Int64,
    "profile": pl.String,
    "cpu_cores": pl.Float64,
    "memory_mb": pl.Float64,
    "disk_gb": pl.Float64,
    "network_mbps": pl.Float64,
    "open_files": pl.Int64,
    "threads": pl.Int64,
    "domain": pl.String,
    "load_profile": pl.String,
    "sensitivity": pl.String,
    "region": pl.String,
    "spread": pl.String,
    "db_storage_gb": pl.Float64,
    "db_rows": pl.Int64,
    "valkey_mb": pl.Float64,
    "valkey_function": pl.String,
    "needs_postgres": pl.Boolean,
    "frontend": pl.Boolean,
}


@st.composite
def fleets(draw: st.DrawFn) -> FleetFrames:
    keys = draw(st.lists(names, min_size=1, max_size=6, unique=True))
    rows: list[dict[str, Any]] = [{"service": key, **draw(SERVICE)} for key in keys]
    services = pl.DataFrame(rows, schema=TYPES)
    pairs = draw(st.lists(st.tuples(st.sampled_from(keys), st.sampled_from(keys)), max_size=6, unique=True))
    rules = pl.DataFrame(
        [(one, other, draw(st.integers(int(one == other), 3))) for one, other in pairs],
        schema={"service": pl.String, "other": pl.String, "max_instances": pl.Int64},
        orient="row",
    )
    hosts = pl.DataFrame(
        {
            "host": ["rack-1", "rack-2"],
            "size": ["small", "large"],
            "region": ["eu", "us"],
            "price_per_hour": [0.0, None],
        }
    )
    policy = {"headroom": draw(st.sampled_from([0.5, {"cpu": 0.9}, 0.7])), "spare": draw(st.sampled_from([0.0, 0.05]))}
    document = {"name": "test", "model": "rithmxo-1.0", "policy": policy, "format": "placement/fleet/1"}
    return FleetFrames(document, services, hosts=hosts, interference=rules if pairs else None)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(fleets(), st.randoms(use_true_random=False))
def test_the_digest_does_not_depend_on_format_or_order(frames: FleetFrames, shuffle: random.Random) -> None:
    fleet = frames.build()
    order = list(range(frames.services.height))
    shuffle.shuffle(order)
    rules = None if frames.interference is None else frames.interference.reverse()
    assert frames.hosts is not None
    shuffled = FleetFrames(frames.document, frames.services[order], hosts=frames.hosts.reverse(), interference=rules)
    with tempfile.TemporaryDirectory() as folder:
        for table_format in FORMATS:
            target = write_fleet(shuffled, Path(folder) / table_format, table_format)
            read = read_fleet(target)
            assert read.services.equals(fleet.services)
            assert read.interference.equals(fleet.interference)
            assert read.digest == fleet.digest
        # and from the fleet itself, back to input units
        again = read_fleet(write_fleet(fleet, Path(folder) / "again"))
        assert again.digest == fleet.digest


def frames_with(**changes: Any) -> FleetFrames:
    document = {"format": "placement/fleet/1", "name": "test", "model": "rithmxo-1.0"} | changes.pop("document", {})
    services = changes.pop("services", pl.DataFrame({"service": ["billing", "orders"], "instances": [2, 3]}))
    return FleetFrames(document, services, **changes)


SIZES = pl.DataFrame(
    {
        "size": ["tiny", "small", "gone"],
        "cpu_cores": [2.0, 5.0, 1.0],
        "memory_mb": [4000, 16000, 2000],
        "os_reserved_mb": [500, 2000, 100],
        "max_open_files": [1000, 2000, 10],
        "max_threads": [None, 999, 10],
        "disk_gb": [50, 60, 1],
        "nic_mbps": [1000, 2000, 1],
        "price_per_hour": [0.05, None, 0.01],
        "stock": [None, 4, 0],
    }
)
TOPOLOGY = {
    "format": "placement/topology/1",
    "regions": [
        {"region": "eu", "zones": [{"zone": "a", "segments": [{"segment": "s1", "max_hosts": 9}]}, {"zone": "b"}]},
        {"region": "us", "max_hosts": 3},
    ],
}


@pytest.mark.parametrize(
    "frames",
    [
        frames_with(),
        frames_with(document={"sizes": []}, hosts=pl.DataFrame({"host": ["r1"], "size": ["small"]})),
        frames_with(document={"sizes": ["small"], "prices": "aws-us-east-1-m7i"}),
        frames_with(document={"currency": "EUR"}, sizes=SIZES),
        frames_with(
            document={"sizes": ["small"], "currency": "EUR"},
            prices=pl.DataFrame({"size": ["small", "large"], "price_per_hour": [0.1, 0.3]}),
            hosts=pl.DataFrame({"host": ["r1"], "size": ["large"]}),
        ),
        frames_with(sizes=SIZES, hosts=pl.DataFrame({"host": ["r1", "r2"], "size": ["gone", "xlarge"]})),
        frames_with(services=pl.DataFrame({"service": ["a"], "region": ["us"]}), topology=TOPOLOGY),
        frames_with(
            hosts=pl.DataFrame(
                {"host": ["r1", "r2"], "size": ["small"] * 2, "zone": ["a", None], "segment": [None, "s"]}
            ),
            current=pl.DataFrame({"service": ["billing"], "instance": [2], "host": ["r2"]}),
        ),
    ],
    ids=["plain", "inventory", "price-list", "sizes", "prices", "sizes-and-hosts", "topology", "half-named-places"],
)
def test_a_fleet_written_down_again_is_the_same(frames: FleetFrames, tmp_path: Path) -> None:
    fleet = frames.build()
    assert fleet_to_frames(fleet).build().digest == fleet.digest
    for table_format in FORMATS:
        assert read_fleet(write_fleet(fleet, tmp_path / table_format, table_format)).digest == fleet.digest


def test_an_overridden_model_cannot_be_written_down(tmp_path: Path) -> None:
    frames = frames_with(document={"override": {"services.profiles.typical.cpu_cores": 0.4}})
    fleet = frames.build()
    with pytest.raises(InputError, match="a fleet without overrides"):
        write_fleet(fleet, tmp_path)
    # the tables themselves can: fleet.yaml says the override
    assert read_fleet(write_fleet(frames, tmp_path)).digest == fleet.digest


def test_writing_leaves_other_files_and_no_traces(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    write_fleet(frames_with(), tmp_path)
    write_fleet(frames_with(), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fleet.yaml", "notes.txt", "services.csv"]


def test_writing_where_one_cannot(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be written"):
        write_fleet(frames_with(), tmp_path / "file" / "folder")
    with pytest.raises(InputError, match="no such format of tables: 'xlsx'; allowed: csv, parquet, jsonl"):
        write_fleet(frames_with(), tmp_path, "xlsx")  # type: ignore[arg-type]


# --- the digest -------------------------------------------------------------------------------------------------


def test_the_digest_sees_every_part() -> None:
    base = frames_with(hosts=pl.DataFrame({"host": ["r1"], "size": ["small"]}))
    variants = [
        base,
        frames_with(),
        frames_with(document={"name": "other"}),
        frames_with(document={"policy": {"spare": 0.06}}),
        frames_with(document={"sizes": ["small"]}),
        frames_with(document={"prices": "aws-us-east-1-m7i"}),
        frames_with(document={"override": {"valkey.memory_per_service.total_mb.high": 161}}),
        frames_with(services=pl.DataFrame({"service": ["billing", "orders"], "instances": [2, 4]})),
        frames_with(
            services=pl.DataFrame({"service": ["billing", "orders"], "instances": [2, 3], "threads": [0, None]})
        ),
        frames_with(
            services=pl.DataFrame({"service": ["billing", "orders"], "instances": [2, 3], "threads": [None, 0]})
        ),
        frames_with(
            services=pl.DataFrame({"service": ["billing", "orders"], "instances": [2, 3], "domain": ["ab", "c"]})
        ),
        frames_with(
            services=pl.DataFrame({"service": ["billing", "orders"], "instances": [2, 3], "domain": ["a", "bc"]})
        ),
        frames_with(interference=pl.DataFrame({"service": [0], "other": [1], "max_instances": [0]})),
        frames_with(interference=pl.DataFrame({"service": [1], "other": [0], "max_instances": [0]})),
        frames_with(topology={"format": "placement/topology/1", "regions": [{"region": "main", "max_hosts": 5}]}),
        FleetFrames(
            base.document,
            base.services,
            hosts=base.hosts,
            current=pl.DataFrame({"service": ["billing"], "instance": [1], "host": ["r1"]}),
        ),
    ]
    digests = [frames.build().digest for frames in variants]
    assert len(set(digests)) == len(variants)


def test_two_ways_to_say_the_same_policy_are_one() -> None:
    one = frames_with(document={"policy": {"headroom": 0.7}}).build()
    other = frames_with(document={"policy": Policy(headroom={"cpu": 0.7, "memory": 0.7})}).build()
    assert one.digest == other.digest == frames_with().build().digest


def test_the_digest_is_pinned() -> None:
    """The digest stands in every plan; a change here means that old plans are no longer recognised."""
    services = pl.DataFrame(
        {"service": ["b", "a"], "instances": [2, None], "cpu_cores": [0.5, None], "domain": ["é", None]}
    )
    fleet = frames_with(services=services).build()
    # over the frames alone, since the model's own digest changes with its figures
    digest = hashlib.sha256()
    for column in fleet.services.iter_columns():
        _hash_column(digest, column)
    assert digest.hexdigest() == "dcb48cad94f9efa3255b23ffeac4fabf7e6653c2626d6b1ab3418ac0f537fc85"


# --- garbage ----------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(FORMATS))
def test_garbage_tables_are_bad_input(garbage: bytes, ending: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "fleet.yaml").write_text(HEADER.format(ending=ending), encoding="utf-8")
        (Path(folder) / f"services.{ending}").write_bytes(garbage)
        with pytest.raises(InputError):
            read_fleet(folder)


@settings(max_examples=40, deadline=None)
@given(
    st.text(st.sampled_from('service,instances\n"\r\t 0123.-eéab{}[]:'), max_size=80), st.sampled_from(("csv", "jsonl"))
)
def test_nearly_right_tables_are_read_or_bad_input(text: str, ending: str) -> None:
    head = "service,instances\n" if ending == "csv" else '{"service": "a"}\n'
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "fleet.yaml").write_text(HEADER.format(ending=ending), encoding="utf-8")
        (Path(folder) / f"services.{ending}").write_bytes((head + text).encode())
        try:
            fleet = read_fleet(folder)
        except InputError:
            return
        assert fleet.services["service"].is_unique().all()


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=120) | st.text(st.sampled_from("abc:{}[]-&*!'\"#|> \n0.~,"), max_size=60).map(str.encode))
def test_garbage_documents_are_bad_input(garbage: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "fleet.yaml").write_bytes(garbage)
        with pytest.raises(InputError):
            read_fleet(folder)


def test_damaged_parquet_is_bad_input(tmp_path: Path) -> None:
    good = frames_with(services=pl.DataFrame({"service": [f"s{i}" for i in range(50)], "instances": [1] * 50}))
    write_fleet(good, tmp_path, "parquet")
    table = tmp_path / "services.parquet"
    content = table.read_bytes()
    for end in (4, 11, len(content) // 2, len(content) - 1):
        table.write_bytes(content[:end])
        with pytest.raises(InputError, match=r"^services\.parquet: "):
            read_fleet(tmp_path)
