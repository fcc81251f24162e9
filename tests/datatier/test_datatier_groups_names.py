"""Who may share, and what things are called."""

from __future__ import annotations

import hashlib

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from postgres_fleets import databases_of, plan

from placement.capacity.datatier_tables import SensitivityClass
from placement.datatier import names
from placement.datatier.arrangement import automatic_postgres, postgres_arrangements
from placement.datatier.groups import isolation_groups

MODEL = databases_of([{}]).model


def grouping_of(**shares_with):
    classes = {name: SensitivityClass(title=name, shares_with=tuple(others)) for name, others in shares_with.items()}
    return MODEL.grouping.model_copy(update={"sensitivity_classes": classes})


def groups_of(**shares_with):
    return [group.name for group in isolation_groups(grouping_of(**shares_with))]


def test_the_models_isolation_groups():
    found = [group.name for group in isolation_groups(MODEL.grouping)]
    assert found == ["confidential", "internal+public", "pii", "restricted"]


def test_sharing_that_only_one_side_names_is_none():
    assert groups_of(a="ab", b="b") == ["a", "b"]
    assert groups_of(a="ab", b="ab") == ["a+b"]


def test_sharing_that_is_no_equivalence_is_split():
    # a–b and b–c, but not a–c: b may not go with both
    assert groups_of(a="ab", b="abc", c="bc") == ["a", "b", "c"]
    assert groups_of(a="ab", b="abc", c="bc", d="de", e="de") == ["a", "b", "c", "d+e"]
    assert groups_of(a="bc", b="ac", c="ab") == ["a+b+c"]


def test_the_phase_by_scale():
    assert [automatic_postgres(MODEL, n) for n in (1, 49, 50, 4_999, 5_000)] == [
        "single", "single", "clusters", "clusters", "dedicated",
    ]  # fmt: skip


def test_the_most_specific_word_counts():
    rows = [{"domain": "a"}, {"domain": "a"}, {"domain": "b"}, {"domain": "c"}]
    choice = {"default": "clusters", "domains": {"a": "dedicated", "b": "auto"}, "services": {"s0001": "single"}}
    arranged = postgres_arrangements(databases_of(rows, choice))
    assert [arranged.words[code] for code in arranged.code] == ["dedicated", "single", "single", "clusters"]
    assert arranged.is_forced.tolist() == [True, True, False, True]
    alone = postgres_arrangements(databases_of(rows))
    assert alone.is_forced.tolist() == [False] * 4


def test_long_names_are_cut_and_told_apart_by_a_hash():
    service = "x" * 63
    whole = f"postgresql-{service}"
    digits = hashlib.sha256(whole.encode()).hexdigest()[:8]
    services = pl.Series([service, "y" * 41, "y" * 42, "a-b"])
    workloads = names.dedicated_names(services)
    assert workloads[0] == f"postgresql-{'x' * 32}-{digits}"
    assert [len(name) for name in workloads] == [52, 52, 52, 14]
    assert workloads[1] == f"postgresql-{'y' * 41}"
    hosts = names.dedicated_host_names(services, workloads, "postgresql-{service}.rithmxo.internal")
    assert hosts.to_list() == [f"{name}.rithmxo.internal" for name in workloads]
    databases = names.database_names(services, "{service_underscored}_db")
    cut = hashlib.sha256(f"{service}_db".encode()).hexdigest()[:8]
    assert databases[0] == f"{'x' * 54}_{cut}"
    assert databases[3] == "a_b_db"


@settings(deadline=None)
@given(st.lists(st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True), min_size=1, unique=True))
def test_names_are_labels_and_unique(services):
    column = pl.Series(services)
    workloads = names.dedicated_names(column)
    databases = names.database_names(column, "{service_underscored}_db")
    assert workloads.n_unique() == databases.n_unique() == len(services)
    assert all(len(f"{name}-1234567890") <= 63 for name in workloads)
    assert databases.str.len_chars().max() <= 63
    assert names.repeated(workloads) == []


def test_shared_servers_are_named_after_the_domain_with_most_services():
    cluster_of = np.array([0, 0, 0, 1, 1, 2])
    domains = ["b", "a", "", "b", "a", ""]
    assert names.main_domains(cluster_of, 3, domains) == ["a", "a", ""]
    assert names.label("Über Sales_2") == "-ber-sales-2"
    stems = ["pg-eu-a", "pg-eu-a", "pg-eu-shared"]
    assert names.numbered_names(stems, ["m", "c", "x"]) == ["pg-eu-a-02", "pg-eu-a-01", "pg-eu-shared-01"]
    assert names.repeated(pl.Series(["a", "b", "a"])) == ["a"]


def test_names_stay_when_an_unrelated_service_is_added():
    rows = [{"domain": f"d{n % 3}", "sensitivity": ("pii", "public")[n % 2], "db_storage_gb": 5 + n} for n in range(12)]
    before = plan(databases_of(rows, "clusters", idle=60))
    after = plan(databases_of([*rows, {"sensitivity": "restricted"}], "clusters", idle=60))
    kept = after.databases.filter(pl.col("service") != "s0012")
    assert kept.equals(before.databases)
    assert after.clusters["cluster"].to_list()[-1] == "pg-main-shared-01"


def test_names_that_meet_are_a_reason():
    digits = hashlib.sha256(("postgresql-" + "x" * 63).encode()).hexdigest()[:8]
    rows = [{"service": "x" * 63}, {"service": f"{'x' * 32}-{digits}"}]
    tier = plan(databases_of(rows, "dedicated"))
    assert [reason.kind for reason in tier.reasons] == ["name-clash"]
