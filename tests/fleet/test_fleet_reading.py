"""A fleet read from files: units, defaults, references, places, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from placement.errors import InputError
from placement.fleet import Fleet, Location, Policy, fleet_from_frames, fleet_warnings, read_fleet
from placement.fleet.rules import sort_rules
from placement.fleet.types import CURRENT_SCHEMA, HOSTS_SCHEMA, INTERFERENCE_SCHEMA, SERVICES_SCHEMA

HEADER = "format: placement/fleet/1\nname: test\nmodel: rithmxo-1.0\nservices: services.csv\n"


def write(folder: Path, services: str | bytes = "service\nbilling\n", yaml: str = "", **tables: str) -> Path:
    """Write a fleet; keyword `hosts="…"` writes hosts.csv and names it in fleet.yaml."""
    content = services.encode() if isinstance(services, str) else services
    (folder / "services.csv").write_bytes(content)
    for key, text in tables.items():
        name = f"{key}.{'yaml' if key == 'topology' else 'csv'}"
        (folder / name).write_text(text, encoding="utf-8")
        yaml += f"{key}: {name}\n"
    (folder / "fleet.yaml").write_text(HEADER + yaml, encoding="utf-8")
    return folder


def problems_of(folder: Path) -> list[str]:
    with pytest.raises(InputError) as caught:
        read_fleet(folder)
    return [str(problem) for problem in caught.value.problems]


def service(fleet: Fleet, name: str = "billing") -> dict[str, object]:
    return fleet.services.row(by_predicate=pl.col("service") == name, named=True)


# --- units and defaults ---------------------------------------------------------------------------


def test_units_are_scaled_and_rounded_up(tmp_path: Path) -> None:
    fleet = read_fleet(
        write(
            tmp_path,
            "service,cpu_cores,memory_mb,disk_gb,network_mbps,open_files,threads,db_storage_gb,valkey_mb\n"
            "billing,0.1,250.2,0.0005,1.1,200,25,0.1234,19.5\n",
        )
    )
    row = service(fleet)
    assert row["cpu_millicores"] == 100  # 0.1 cores
    assert row["memory_mb"] == 251  # 250.2 MB, up
    assert row["disk_mb"] == 1  # 0.5 MB, up
    assert row["network_kbps"] == 1100  # 1.1 * 1000 is 1100.0000000000002 in doubles, and is not 1101
    assert (row["open_files"], row["threads"]) == (200, 25)
    assert row["db_storage_mb"] == 124  # 123.4 MB, up
    assert row["valkey_mb"] == 20


def test_blank_cells_take_their_defaults(tmp_path: Path) -> None:
    row = service(read_fleet(write(tmp_path)))
    assert row == {
        "service": "billing",
        "instances": 1,
        "max_per_host": 1,
        "profile": "typical",
        "cpu_millicores": None,
        "memory_mb": None,
        "open_files": None,
        "threads": None,
        "disk_mb": None,
        "network_kbps": None,
        "domain": "",
        "load_profile": "balanced",
        "sensitivity": "internal",
        "region": "main",
        "spread": "host",
        "db_storage_mb": None,
        "db_rows": None,
        "db_connections": None,
        "valkey_mb": None,
        "valkey_function": "",
        "needs_postgres": True,
        "needs_valkey": True,
        "frontend": False,
    }


def test_frames_have_the_schemas_of_the_contract(tmp_path: Path) -> None:
    fleet = read_fleet(
        write(
            tmp_path,
            hosts="host,size\nrack-1,small\n",
            current="service,instance,host\nbilling,1,rack-1\n",
            interference="service,other,max_instances\nbilling,billing,1\n",
        )
    )
    for frame, schema in (
        (fleet.services, SERVICES_SCHEMA),
        (fleet.hosts, HOSTS_SCHEMA),
        (fleet.current, CURRENT_SCHEMA),
        (fleet.interference, INTERFERENCE_SCHEMA),
    ):
        assert dict(frame.schema) == schema
        assert frame.height == 1
    empty = read_fleet(write(tmp_path))
    assert dict(empty.hosts.schema) == HOSTS_SCHEMA
    assert dict(empty.current.schema) == CURRENT_SCHEMA
    assert dict(empty.interference.schema) == INTERFERENCE_SCHEMA


@pytest.mark.parametrize(("word", "truth"), [("TRUE", True), ("yes", True), ("1", True), ("No", False), ("0", False)])
def test_words_for_booleans(tmp_path: Path, word: str, truth: bool) -> None:
    row = service(read_fleet(write(tmp_path, f"service,needs_postgres\nbilling,{word}\n")))
    assert row["needs_postgres"] is truth


@pytest.mark.parametrize("text", ["2", "2.0", "2e0", " 2 ", "+2"])
def test_spellings_of_whole_numbers(tmp_path: Path, text: str) -> None:
    assert service(read_fleet(write(tmp_path, f"service,instances\nbilling,{text}\n")))["instances"] == 2


def test_services_are_sorted_whatever_their_order(tmp_path: Path) -> None:
    fleet = read_fleet(write(tmp_path, "service,instances\nsearch,3\nbilling,1\norders,2\n"))
    assert fleet.services["service"].to_list() == ["billing", "orders", "search"]
    assert fleet.services["instances"].to_list() == [1, 2, 3]
    assert fleet.num_instances == 6


# --- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfservice,instances\nbilling,2\n",
        b"service,instances\r\nbilling,2\r\n",
        b"service,instances\rbilling,2\r",
        b"\n\nservice,instances\nbilling,2\n\n\n",
        b"service,instances\nbilling,2",
        b'"service","instances"\r\n"billing","2"\r\n',
        b" service , instances \n billing , 2 \n",
    ],
    ids=["BOM", "CRLF", "CR", "blank-lines-around", "no-end-of-line", "quotes", "spaces"],
)
def test_spellings_of_csv(tmp_path: Path, content: bytes) -> None:
    fleet = read_fleet(write(tmp_path, content))
    assert fleet.services.select("service", "instances").rows() == [("billing", 2)]


def test_quoted_cells_may_hold_commas_and_quotes(tmp_path: Path) -> None:
    row = service(read_fleet(write(tmp_path, 'service,domain\nbilling,"money, ""all"" of it"\n')))
    assert row["domain"] == 'money, "all" of it'


def test_folder_file_and_link_are_the_same_fleet(tmp_path: Path) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    write(folder)
    link = tmp_path / "link"
    link.symlink_to(folder)
    digests = {read_fleet(path).digest for path in (folder, str(folder), folder / "fleet.yaml", link)}
    assert len(digests) == 1


def test_tables_may_lie_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / "fleet"
    folder.mkdir()
    (tmp_path / "all.csv").write_text("service\nbilling\n", encoding="utf-8")
    for given in ("../all.csv", str(tmp_path / "all.csv")):
        text = HEADER.replace("services.csv", given)
        (folder / "fleet.yaml").write_text(text, encoding="utf-8")
        fleet = read_fleet(folder)
        assert fleet.services.height == 1
        assert fleet.files["services"] == given


@pytest.mark.parametrize("name", ["no/such/folder", "x" * 5000, "nul\0byte"])
def test_a_fleet_that_is_not_there(name: str) -> None:
    with pytest.raises(InputError, match="there is no such file or folder"):
        read_fleet(name)


def test_a_folder_without_fleet_yaml(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no fleet\.yaml"):
        read_fleet(tmp_path)


def test_a_device_is_no_table(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "services.csv").unlink()
    (tmp_path / "services.csv").symlink_to("/dev/zero")
    assert problems_of(tmp_path) == ["services.csv: is no regular file"]


def test_categories_of_parquet_are_text(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "service": ["billing", "orders"],
            "profile": ["heavy", None],
            "instances": [2.0, None],
            "domain": [None, None],
        },
        schema={
            "service": pl.Categorical,
            "profile": pl.Enum(["heavy"]),
            "instances": pl.Float32,
            "domain": pl.Null,
        },
    )
    write(tmp_path)
    frame.write_parquet(tmp_path / "services.parquet")
    (tmp_path / "fleet.yaml").write_text(HEADER.replace("services.csv", "services.parquet"), encoding="utf-8")
    fleet = read_fleet(tmp_path)
    rows = fleet.services.select("service", "profile", "instances", "domain").rows()
    assert rows == [("billing", "heavy", 2, ""), ("orders", "typical", 1, "")]


def test_problems_of_all_files_come_together(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        "service,instances\nbilling,0\n",
        "policy: {spare: 7}\n",
        hosts="host,size\nrack-1,tiny\n",
        interference="service,other,max_instances\nbiling,billing,0\n",
        topology="format: placement/topology/1\nregions: [{region: eu, zone: a}]\n",
    )
    files = [problem.split(",")[0] for problem in problems_of(folder)]
    assert files == ["fleet.yaml", "topology.yaml", "services.csv", "hosts.csv", "interference.csv"]


def test_an_unreadable_table_hides_nothing_and_makes_up_nothing(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        hosts="",
        current="service,instance,host\nbilling,1,rack-1\norders,1,rack-1\n",
    )
    # whether rack-1 is a host cannot be known; that orders is no service can
    assert problems_of(folder) == [
        "hosts.csv: the file is empty",
        "current.csv, row 2, service: no such service: 'orders'; allowed: billing",
    ]


# --- policy and model -----------------------------------------------------------------------------


def test_policy(tmp_path: Path) -> None:
    fleet = read_fleet(write(tmp_path, yaml="policy: {headroom: {cpu: 0.5, disk: 1}, spare: 0, demand: high}\n"))
    assert fleet.policy == Policy(headroom={"cpu": 0.5, "disk": 1.0}, spare=0.0, demand="high")


def test_override_of_file_and_call(tmp_path: Path) -> None:
    folder = write(
        tmp_path, yaml="override: {hosts.sizes.small.cpu_cores: 5, hosts: {sizes: {small: {disk_gb: 100}}}}\n"
    )
    assert read_fleet(folder).sizes["small"].cpu_millicores == 5000
    # memory_mb is not touched: sizes of one family must stay in the order of their prices
    fleet = read_fleet(folder, override={"hosts.sizes.small.cpu_cores": 6})
    assert (fleet.sizes["small"].cpu_millicores, fleet.sizes["small"].disk_mb) == (6000, 100_000)
    assert fleet.digest != read_fleet(folder).digest


# --- sizes and prices -----------------------------------------------------------------------------

SIZES = (
    "size,cpu_cores,memory_mb,os_reserved_mb,max_open_files,disk_gb,nic_mbps,price_per_hour,stock\n"
    "tiny,1.9999,4000.9,500.1,100000,50,1000,0.0123457,\nmedium,9,32000,2000,100000,50,1000,,7\nold,1,2000,0,1,1,1,,0\n"
)


def test_sizes_of_the_fleets_own(tmp_path: Path) -> None:
    text = SIZES.replace("old,1,2000,0,1,1,1,,0", "old,1,2000,0,1,1,1,0.01,0")
    fleet = read_fleet(write(tmp_path, sizes=text))
    tiny, medium = fleet.sizes["tiny"], fleet.sizes["medium"]
    assert tiny.cpu_millicores == 1999  # capacity down
    assert (tiny.memory_mb, tiny.os_reserved_mb) == (4000, 501)  # memory down, reserve up
    assert tiny.max_threads == 4_194_304
    assert tiny.price_micros_per_hour == 12_346  # 12,345.7 micros, nearest
    assert (tiny.stock, medium.stock) == (None, 7)
    assert medium.cpu_millicores == 9000
    assert medium.price_micros_per_hour == 384_000  # that of the model's medium
    assert fleet.buyable == ("medium", "tiny")  # old has stock 0: known, not for sale
    assert fleet_warnings(fleet) == (
        "size medium is the fleet's own (9 cores, 32,000 MB), not the model's (8 cores, 32,000 MB)",
    )


@pytest.mark.parametrize(
    ("yaml", "buyable"),
    [
        ("", ("large", "medium", "small", "xlarge")),
        ("sizes: [medium, large]\n", ("large", "medium")),
        ("sizes: []\n", ()),
    ],
)
def test_what_may_be_bought(tmp_path: Path, yaml: str, buyable: tuple[str, ...]) -> None:
    assert read_fleet(write(tmp_path, yaml=yaml)).buyable == buyable


def test_price_list_and_price_table(tmp_path: Path) -> None:
    default = read_fleet(write(tmp_path))
    other = read_fleet(write(tmp_path, yaml="prices: aws-us-east-1-m7i\n"))
    assert default.sizes["small"].price_micros_per_hour != other.sizes["small"].price_micros_per_hour
    assert default.digest != other.digest
    own = read_fleet(
        write(
            tmp_path,
            yaml="sizes: [small]\ncurrency: EUR\n",
            prices="size,price_per_hour\nsmall,0.1\nlarge,0.4\n",
        )
    )
    assert (own.currency, default.currency) == ("EUR", "USD")
    assert own.sizes["small"].price_micros_per_hour == 100_000
    assert own.sizes["large"].price_micros_per_hour == 400_000


def test_a_host_needs_a_price_in_the_fleets_currency(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        yaml="sizes: [small]\n",
        prices="size,price_per_hour\nsmall,0.1\n",
        hosts="host,size,price_per_hour\nrack-1,large,\nrack-2,large,0\n",
    )
    assert problems_of(folder) == [
        "hosts.csv, row 1, size: the host states no price, and its size has none: 'large'; "
        "allowed: a price here, or of its size"
    ]


# --- hosts and places -----------------------------------------------------------------------------


def test_hosts_are_resolved(tmp_path: Path) -> None:
    fleet = read_fleet(
        write(
            tmp_path,
            hosts="host,size,pool,state,nic,price_per_hour\nrack-2,small,caches,draining,25gbe,0\nrack-1,medium,,,,\n",
        )
    )
    assert fleet.hosts.rows() == [
        ("rack-1", "medium", "main", "", "", "services", "active", "", 10_000_000, 384_000),
        ("rack-2", "small", "main", "", "", "caches", "draining", "25gbe", 25_000_000, 0),
    ]


@pytest.mark.parametrize(
    ("services", "hosts", "region"),
    [
        ("service,region\nbilling,\norders,eu\n", "host,size\nrack-1,small\n", "eu"),
        ("service\nbilling\norders\n", "host,size,region\nrack-1,small,us\n", "us"),
        ("service\nbilling\norders\n", "host,size\nrack-1,small\n", "main"),
    ],
)
def test_a_blank_region_is_the_only_one(tmp_path: Path, services: str, hosts: str, region: str) -> None:
    fleet = read_fleet(write(tmp_path, services, hosts=hosts))
    assert fleet.services["region"].to_list() == [region, region]
    assert fleet.hosts["region"].to_list() == [region]
    assert fleet.topology.locations == (Location(region),)


def test_locations_without_a_topology_are_those_of_the_hosts(tmp_path: Path) -> None:
    fleet = read_fleet(
        write(
            tmp_path,
            "service,region\nbilling,eu\norders,us\nsearch,ap\n",
            hosts="host,size,region,zone,segment\n"
            "rack-1,small,eu,b,\nrack-2,small,eu,a,s2\nrack-3,small,eu,a,s1\nrack-4,small,eu,a,\nrack-5,small,us,,\n",
        )
    )
    assert fleet.topology.locations == (
        Location("ap"),
        Location("eu", "a", "s1"),
        Location("eu", "a", "s2"),
        Location("eu", "b"),
        Location("us"),
    )
    assert fleet_warnings(fleet) == (
        "hosts that name no segment in a region where others do count as one more segment together: rack-1, rack-4",
    )


TOPOLOGY = """\
format: placement/topology/1
regions:
  - region: us
    max_hosts: 100
  - region: eu
    zones:
      - {zone: b, segments: [{segment: s1, max_hosts: 40}]}
      - {zone: a, max_hosts: 20}
"""


def test_topology(tmp_path: Path) -> None:
    fleet = read_fleet(
        write(
            tmp_path,
            "service,region\nbilling,eu\n",
            topology=TOPOLOGY,
            hosts="host,size,region,zone\nrack-1,small,eu,b\nrack-2,small,us,\n",
        )
    )
    assert fleet.topology.locations == (
        Location("eu", "a", "", 20),
        Location("eu", "b", "s1", 40),
        Location("us", "", "", 100),
    )
    assert fleet.topology.regions == ("eu", "us")
    # zone b has one segment, so a blank one is that
    assert fleet.hosts.select("host", "zone", "segment").rows() == [("rack-1", "b", "s1"), ("rack-2", "", "")]


def test_a_zone_spread_without_zones_is_worth_a_warning(tmp_path: Path) -> None:
    fleet = read_fleet(write(tmp_path, "service,instances,spread\nbilling,2,zone\norders,1,zone\n"))
    assert fleet_warnings(fleet) == ("services to be spread over zones in a region without any (main): billing",)


def test_a_double_front_end_is_worth_a_warning(tmp_path: Path) -> None:
    text = "service,profile,frontend\nbilling,typical,true\norders,backend-normal,true\nsearch,typical,false\n"
    (warning,) = fleet_warnings(read_fleet(write(tmp_path, text)))
    assert warning.endswith("added all the same (typical): billing")


# --- rules ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [pl.String, pl.Categorical, pl.Enum(["unused", "c ", "b", "a"])])
def test_interference_by_a_dictionary_of_names_reads_as_by_text(kind: pl.DataType) -> None:
    rules = pl.DataFrame(
        {"service": ["c ", "a", "b", "a"], "other": ["a", "c ", "c ", "b"], "max_instances": [0, 1, 2, 3]}
    )
    rules = rules.with_columns(pl.col("service", "other").cast(kind))
    fleet = fleet_from_frames(services={"service": ["c", "b", "a"]}, interference=rules)
    assert fleet.interference.rows() == [(0, 1, 3), (0, 2, 1), (1, 2, 2), (2, 0, 0)]
    assert dict(fleet.interference.schema) == INTERFERENCE_SCHEMA


@pytest.mark.parametrize("kind", [pl.String, pl.Categorical, pl.Enum(["", "biling", "billing", "search"])])
def test_faults_of_names_in_a_dictionary_are_told_by_row(kind: pl.DataType) -> None:
    names = pl.Series(["billing", None, "biling", "", "biling"], dtype=pl.String).cast(kind)
    with pytest.raises(InputError) as caught:
        fleet_from_frames(
            services={"service": ["billing", "search"]},
            interference={"service": names, "other": ["search"] * 5, "max_instances": [0] * 5},
        )
    found = [(problem.message, problem.rows, problem.value, problem.suggestion) for problem in caught.value.problems]
    assert found == [("blank", (2, 4), "", ""), ("no such service", (3, 5), "biling", "billing")]


@pytest.mark.parametrize("limits", [[0, 1, 5], [0, 0, 0], [1_000_000, 2, 0]])
@pytest.mark.parametrize("high", [1, 2**31 - 2])
def test_rules_sort_whether_or_not_they_fit_one_number(limits: list[int], high: int) -> None:
    service, other = np.array([high, 0, 0], np.int32), np.array([0, high, 0], np.int32)
    most = np.array(limits, np.int32)
    ordered = sort_rules(service, other, most)
    assert ordered is not None
    assert [column.tolist() for column in ordered] == [[0, 0, high], [0, high, 0], limits[::-1]]
    assert all(column.dtype == np.int32 for column in ordered)
    again = sort_rules(*ordered)
    assert again is not None
    assert [column.tolist() for column in again] == [column.tolist() for column in ordered]
    twice = sort_rules(
        *(np.concatenate((column, column[1:2])) for column in (service, other)), np.append(most, 7).astype(np.int32)
    )
    assert twice is None


def test_interference_is_by_sorted_row_number(tmp_path: Path) -> None:
    fleet = read_fleet(
        write(
            tmp_path,
            "service\nsearch\nbilling\norders\n",
            interference="service,other,max_instances\nsearch,billing,0\nbilling,search,2\nbilling, billing,1\n",
        )
    )
    # billing 0, orders 1, search 2
    assert fleet.interference.rows() == [(0, 0, 1), (0, 2, 2), (2, 0, 0)]


def test_row_numbers_mean_the_rows_as_given() -> None:
    names = ["search", "billing", "orders"]
    numbered = fleet_from_frames(
        services={"service": names},
        interference={"service": [0, 1], "other": [1, 0], "max_instances": [0, 2]},
    )
    named = fleet_from_frames(
        services={"service": names},
        interference={
            "service": ["search", "billing"],
            "other": ["billing", "search"],
            "max_instances": [0, 2],
        },
    )
    assert numbered.interference.rows() == [(0, 2, 2), (2, 0, 0)]
    assert numbered.digest == named.digest


@pytest.mark.parametrize("number", [-1, 3])
def test_row_numbers_out_of_range(number: int) -> None:
    with pytest.raises(InputError, match=r"no such row: '-?[13]'; allowed: row numbers of the services, 0 to 2"):
        fleet_from_frames(
            services={"service": ["a", "b", "c"]},
            interference={"service": [number], "other": [0], "max_instances": [0]},
        )


def test_row_numbers_in_a_file_are_no_names(tmp_path: Path) -> None:
    write(tmp_path, yaml="interference: rules.parquet\n")
    pl.DataFrame({"service": [0], "other": [0], "max_instances": [1]}).write_parquet(tmp_path / "rules.parquet")
    assert problems_of(tmp_path)[0].startswith("rules.parquet, row 1, service: not text (the column's type is Int64)")


def test_current_is_sorted(tmp_path: Path) -> None:
    fleet = read_fleet(
        write(
            tmp_path,
            "service,instances\nbilling,10\nads,1\n",
            hosts="host,size\nrack-1,small\n",
            current="service,instance,host\nbilling,10,rack-1\nbilling,9,rack-1\nads,1,rack-1\n",
        )
    )
    assert fleet.current.rows() == [
        ("ads", 1, "rack-1", "services"),
        ("billing", 9, "rack-1", "services"),
        ("billing", 10, "rack-1", "services"),
    ]
