"""Generated fleets: the same by seed, valid, and spread as they say."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from placement.errors import InputError
from placement.fleet import fleet_warnings, generate_fleet, read_fleet, write_generated
from placement.fleet.columns import SERVICES


def test_the_same_seed_is_the_same_fleet() -> None:
    one, two, other = generate_fleet(500, 3), generate_fleet(500, 3), generate_fleet(500, 4)
    assert one.services.equals(two.services)
    assert not one.services.equals(other.services)


def test_the_fleet_is_pinned() -> None:
    """Benchmarks compare versions on the same fleets: a change of this one voids their history."""
    services = generate_fleet(1000, 1).services
    assert services.row(0)[:8] == ("workflow-task-0000", 2, 1, "typical", 0.449, 853, 1.218, 16.238)
    assert services["instances"].sum() == 1977
    assert services["memory_mb"].sum() == 298_401
    assert services["cpu_cores"].sum() == pytest.approx(240.055)


def test_shares_are_about_as_documented() -> None:
    services = generate_fleet(20_000, 1).services
    assert services["service"].n_unique() == 20_000
    assert services["instances"].mean() == pytest.approx(2.0, abs=0.05)
    assert services["instances"].min() == 1
    assert services["instances"].max() == 8
    assert (services["instances"] <= 3).mean() > 0.85
    assert services["cpu_cores"].is_not_null().mean() == pytest.approx(0.6, abs=0.02)
    shares = dict(services["profile"].value_counts(normalize=True).iter_rows())
    assert shares["typical"] == pytest.approx(0.45, abs=0.02)
    assert shares["heavy"] == pytest.approx(0.05, abs=0.01)
    domains = services["domain"].value_counts(sort=True)
    assert domains.height == 24
    # Zipf: the second domain has half of the first one's services
    assert domains["count"][1] / domains["count"][0] == pytest.approx(0.5, abs=0.05)
    assert services["db_storage_gb"].min() >= 0.1
    assert services["db_storage_gb"].max() <= 500
    assert services["valkey_mb"].min() >= 20
    assert services["valkey_mb"].max() <= 160
    assert services.filter(~pl.col("needs_postgres"))["db_rows"].null_count() > 0
    assert services.filter(pl.col("needs_postgres"))["db_rows"].null_count() == 0


def test_measured_demands_differ_and_correlate() -> None:
    services = generate_fleet(20_000, 1, demands="measured").services
    vectors = services.select("cpu_cores", "memory_mb", "disk_gb", "network_mbps", "open_files", "threads")
    assert vectors.null_count().sum_horizontal().item() == 0
    assert vectors.n_unique() > 0.999 * vectors.height
    typical = services.filter(pl.col("profile") == "typical")
    correlation = typical.select(pl.corr(pl.col("cpu_cores").log(), pl.col("memory_mb").log())).item()
    # of the logarithms, with s = 0.5 and 20 % moved by ln 1.6 in opposite directions:
    # (0.7*0.25 - 0.2*0.221) / (0.25 + 0.2*0.221) = 0.44
    assert correlation == pytest.approx(0.44, abs=0.03)
    # the mean is the profile's 0.5 cores, times 0.8 + 0.1*1.6 + 0.1/1.6 = 1.0225
    assert typical["cpu_cores"].mean() == pytest.approx(0.5 * 1.0225, rel=0.02)
    # systemd's limits: two cores and 2 GB for the back end, one core and 512 MB for the front end
    assert services["cpu_cores"].max() <= 3
    assert services["memory_mb"].max() <= 2512


def test_profile_demands_are_blank() -> None:
    services = generate_fleet(1000, 1, demands="profile").services
    assert services["cpu_cores"].null_count() == 1000
    assert generate_fleet(1000, 1).services["instances"].equals(services["instances"])


@pytest.mark.parametrize("mean", [1.1, 1.6, 3.0, 6.0])
def test_mean_instances(mean: float) -> None:
    services = generate_fleet(20_000, 1, mean_instances=mean).services
    assert services["instances"].mean() == pytest.approx(mean, rel=0.03)


def test_rules_hosts_regions_and_zones(tmp_path: Path) -> None:
    generated = generate_fleet(1000, 2, regions=3, zones=2, rules_density=0.01, hosts_share=0.5)
    assert generated.interference is not None
    # 1 % of 1,000 x 999 ordered pairs, within four standard deviations
    assert generated.interference.height == pytest.approx(9990, abs=400)
    fleet = read_fleet(write_generated(generated, tmp_path / "fleet"))
    assert fleet.digest == generated.build().digest
    assert len(fleet.topology.locations) == 6
    assert fleet.topology.regions == ("ap-south", "eu-central", "us-east")
    assert set(fleet.hosts["state"].unique()) <= {"active", "draining", "failed"}
    assert fleet.hosts.height > 10
    assert (fleet.interference["service"] != fleet.interference["other"]).all()
    assert (fleet.services["spread"] == "zone").mean() == pytest.approx(0.25, abs=0.05)


@pytest.mark.parametrize("size", [1, 2, 50])
@pytest.mark.parametrize("demands", ["profile", "mixed", "measured"])
def test_every_generated_fleet_is_valid_and_without_warnings(size: int, demands: str) -> None:
    for seed in range(3):
        generated = generate_fleet(size, seed, demands=demands, rules_density=0.1, hosts_share=0.3)  # type: ignore[arg-type]
        fleet = generated.build()
        assert fleet.services.height == size
        assert fleet_warnings(fleet) == ()
        assert set(generated.services.columns) <= set(SERVICES.names)


def test_arguments_out_of_range() -> None:
    with pytest.raises(InputError) as caught:
        generate_fleet(0, -1, demands="some", mean_instances=9, regions=True, rules_density=0.9)  # type: ignore[arg-type]
    assert [problem.column for problem in caught.value.problems] == [
        "num_services", "seed", "regions", "mean_instances", "rules_density", "demands",
    ]  # fmt: skip
    with pytest.raises(InputError, match="too many rules"):
        generate_fleet(1_000_000, rules_density=0.01)
