"""What the files say, worked out by hand for the plan of conftest.py."""

from __future__ import annotations

import dataclasses
import json

import jsonschema
import polars as pl
import pytest
import yaml

from placement.errors import InputError
from placement.export import SCHEMAS, TARGETS
from placement.export.limits import UnitLimits, service_limits
from placement.export.ports import FIRST_PORT, LAST_PORT, ports_on_host
from placement.export.registry import records
from placement.export.settings import Connections
from placement.export.source import Source


def files_of(source: Source, target: str) -> dict[str, str]:
    return {path: content.decode() for path, content in TARGETS[target](source)}


def host_of(source: Source, service: str, instance: int) -> str:
    return source.plan.assignments.filter(service=service, instance=instance)["host"].item()


# --- limits and ports ----------------------------------------------------------------------------------------


def test_limits_are_the_profiles_and_never_less_than_the_demand(fleet):
    limits = service_limits(fleet)
    # typical: 0.5 cores, 600 MB; the back end's limits: 200 %, 2,000 MB, 4,096 threads, 65,536 files; its peak: 800 MB
    assert limits["orders-api"].backend == UnitLimits(200, 50, 800, 2000, 4096, 65536)
    assert limits["orders-api"].frontend is None
    # 2.5 cores, 3,000 MB and 100,000 files are asked for: more than each limit
    assert limits["billing-ledger"].backend == UnitLimits(250, 250, 3000, 3000, 4096, 100_000)
    # under normal load: (15 + 30) / 2 = 22.5 % of a core; a front end: 7.5 %, limits 100 % and 512 MB, peak 350 MB
    assert limits["shop"].backend == UnitLimits(200, 22, 800, 2000, 4096, 65536)
    assert limits["shop"].frontend == UnitLimits(100, 7, 350, 512, 4096, 65536)


def test_ports_come_in_pairs_and_stay_when_others_go():
    instances = [(f"s{n}", number) for n in range(40) for number in (1, 2)]
    ports = ports_on_host(instances)
    taken = {port + end for port in ports.values() for end in (0, 1)}
    assert len(taken) == 160
    assert min(taken) >= FIRST_PORT
    assert max(taken) <= LAST_PORT
    assert ports_on_host(reversed(instances)) == ports
    alone = {instance: ports_on_host([instance])[instance] for instance in instances}
    # 80 of 11,384 pairs: some 0.3 are expected to meet
    assert sum(ports[instance] != alone[instance] for instance in instances) <= 2


def test_where_two_would_meet_the_later_takes_the_next_pair():
    # names whose hashes meet: found among many, the first pair that does
    first: dict[int, str] = {}
    for n in range(100_000):
        port = ports_on_host([(f"s{n}", 1)])[f"s{n}", 1]
        if port in first and port + 2 <= LAST_PORT:
            one, other = sorted((first[port], f"s{n}"))
            assert ports_on_host([(other, 1), (one, 1)]) == {(one, 1): port, (other, 1): port + 2}
            return
        first[port] = f"s{n}"
    pytest.fail("no two names meet")


# --- targets ------------------------------------------------------------------------------------------------


def test_ansible_groups_have_every_host_by_size_pool_and_place(source):
    files = files_of(source, "ansible")
    groups = json.loads(files["inventory/hosts.json"])["all"]["children"]
    hosts = source.plan.hosts
    for kind, column in (("size", "size"), ("pool", "pool")):
        for (value,), rows in hosts.group_by(column):
            assert list(groups[f"{kind}_{value}"]["hosts"]) == rows["host"].sort().to_list()
    assert list(groups["spares"]["hosts"]) == hosts.filter("spare")["host"].sort().to_list()
    zones = groups["region_eu_1"]["children"]
    # zone a has one segment, which the plan assumes: the topology names none there
    assumed = zones["zone_eu_1_a"]["children"]["segment_eu_1_a_s0001"]
    assert list(assumed["hosts"]) == hosts.filter(zone="a")["host"].sort().to_list()
    segment = zones["zone_eu_1_b"]["children"]["segment_eu_1_b_s1"]
    assert list(segment["hosts"]) == hosts.filter(segment="s1")["host"].sort().to_list()


def test_ansible_host_has_services_with_ports_limits_database_and_cache(source):
    host = host_of(source, "shop", 1)
    content = json.loads(files_of(source, "ansible")[f"inventory/host_vars/{host}.json"])
    row = next(row for row in content["placement_services"] if row["service"] == "shop")
    assert row["unit"] == "shop@1.service"
    assert row["frontend"]["port"] == row["port"] + 1
    assert row["limits"]["memory_max_mb"] == 2000
    assert row["database"]["port"] == 6432
    assert row["database"]["name"] == "shop_db"
    assert row["cache"]["key_prefix"] == "shop:"
    assert row["settings"]["Valkey__KeyPrefix"] == "shop:"
    ledger = next(row for row in content["placement_services"] if row["service"] == "billing-ledger")
    assert "cache" not in ledger
    # it could be a template
    assert ledger["domain"] == {"__ansible_unsafe": "billing {{ 7 * 7 }}"}


def test_every_node_and_instance_is_in_the_files_of_its_host(source):
    ansible, systemd = files_of(source, "ansible"), files_of(source, "systemd")
    for host in source.plan.hosts["host"]:
        content = json.loads(ansible[f"inventory/host_vars/{host}.json"])
        instances = [(row["service"], row["instance"]) for row in content["placement_services"]]
        assert instances == source.plan.assignments.filter(host=host).select("service", "instance").sort(
            "service", "instance"
        ).rows()  # fmt: skip
        nodes = [row["node"] for row in content["placement_nodes"]]
        assert nodes == source.plan.nodes.filter(host=host)["node"].sort().to_list()
        rows = [*content["placement_services"], *content["placement_nodes"]]
        units = [row["unit"] for row in rows] + [row["frontend"]["unit"] for row in rows if "frontend" in row]
        wanted = [line[6:] for line in systemd[f"hosts/{host}/placement.target"].splitlines() if line[:6] == "Wants="]
        assert wanted == sorted(units)
        drop_ins = {path for path in systemd if path.startswith(f"hosts/{host}/") and path.endswith(".conf")}
        assert drop_ins == {f"hosts/{host}/{unit}.d/50-placement.conf" for unit in units}


def test_systemd_drop_in(source):
    host = host_of(source, "shop", 1)
    files = files_of(source, "systemd")
    lines = files[f"hosts/{host}/shop.frontend@1.service.d/50-placement.conf"].splitlines()
    assert "Slice=placement-service-shop.slice" in lines
    assert lines[-6:] == [
        "CPUQuota=100%",
        "CPUWeight=7",
        "MemoryHigh=350000000",
        "MemoryMax=512000000",
        "TasksMax=4096",
        "LimitNOFILE=65536",
    ]
    # 22 + 7
    assert "CPUWeight=29" in files[f"hosts/{host}/placement-service-shop.slice"]
    # a service that has neither database nor cache has no settings to read
    other = host_of(source, "shop-frontend", 1)
    text = files[f"hosts/{other}/shop-frontend@1.service.d/50-placement.conf"]
    assert "EnvironmentFile" not in text


def test_env_names_pools_and_references_to_secrets(source):
    files = files_of(source, "env")
    assert set(files) == {f"services/{name}.env" for name in ("billing-ledger", "orders-api", "shop")}
    # dedicated: 20 connections, straight to the server
    assert files["services/billing-ledger.env"].splitlines() == [
        'ConnectionStrings__PostgresConnection="Host=postgresql-billing-ledger.rithmxo.internal;Port=5432;'
        "Database=billing_ledger_db;Username=billing_ledger_db;"
        'Passfile=/etc/placement/secrets/billing-ledger/pgpass;Maximum Pool Size=20"',
        'Postgres__MaxPoolSize="20"',
        'Postgres__PasswordFile="/etc/placement/secrets/billing-ledger/pgpass"',
    ]
    # through PgBouncers: 10 connections, and a client does not reset what it hands back
    shop = files["services/shop.env"]
    assert "Host=pgbouncer-pg-eu-1-" in shop
    assert "Port=6432" in shop
    assert "Maximum Pool Size=10;No Reset On Close=true" in shop
    assert 'ConnectionStrings__ValkeyConnection="valkey-eu-1-cache-01.rithmxo.internal:6379,abortConnect=false"' in shop
    assert "assword=" not in "".join(files.values())


def test_pgbouncer_has_the_planned_pools(source):
    files = files_of(source, "pgbouncer")
    nodes = source.plan.nodes.filter(kind="pgbouncer")["node"]
    assert set(files) == {f"{node}.ini" for node in nodes}
    assert len(files) == 2
    cluster = source.plan.databases.filter(service="shop").row(0, named=True)
    for text in files.values():
        # two PgBouncers: pools of ⌈min(20, clients) / 2⌉ = 10 each, reserves of ⌈5 / 2⌉ = 3
        assert f"shop_db = host={cluster['host_name']} port=5432 dbname=shop_db pool_size=10\n" in text
        assert "reserve_pool_size = 3\n" in text
        assert "max_client_conn = 10000\n" in text
        assert "pool_mode = transaction\n" in text


def test_registry_lines_are_as_their_schema_says_and_read_back_as_the_plan(source):
    text = files_of(source, "registry")["registry.jsonl"]
    rows = [json.loads(line) for line in text.splitlines()]
    assert rows == list(records(source))
    validator = jsonschema.Draft202012Validator(SCHEMAS["registry-export"]())
    for row in rows:
        validator.validate(row)
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(rows[0] | {"digest": "none"})
    assert rows[0]["digest"] == source.digest
    instances = pl.DataFrame([row for row in rows if row["kind"] == "instance"])
    assert instances.select("service", "instance", "host").equals(source.plan.assignments)
    nodes = pl.DataFrame([row for row in rows if row["kind"] == "node"]).sort("node")
    assert nodes.select("node", "host").equals(source.plan.nodes.select("node", "host").sort("node"))
    settings = Connections(source)
    for row in rows:
        if row["kind"] == "instance":
            assert row["assignments"] == dict(settings.settings(row["service"]))


def test_registry_endpoints_lead_to_hosts(source):
    rows = {(row["type"], row["cluster"]): row for row in records(source) if row["kind"] == "endpoint"}
    nodes = source.plan.nodes
    for (kind, cluster), row in rows.items():
        workload = f"pgbouncer-{cluster}" if kind == "pgbouncer" else cluster
        leading = nodes.filter(pl.col("workload") == workload, pl.col("role") != "replica")["host"]
        assert row["hosts"] == leading.unique().sort().to_list() != []
    assert {kind for kind, _ in rows} == {"postgres", "pgbouncer", "valkey"}


def test_terraform_counts_hosts_and_never_names_services(source, fleet):
    text = files_of(source, "terraform")["placement.auto.tfvars.json"]
    values = json.loads(text)
    jsonschema.validate(values, SCHEMAS["terraform-export"]())
    assert sum(row["hosts"] for row in values["placement_hosts"].values()) == source.plan.hosts.height
    row = values["placement_hosts"]["eu-1/a/s0001/services/small"]
    here = source.plan.hosts.filter(pool="services", zone="a", size="small")
    assert (row["hosts"], row["spares"]) == (here.height, here["spare"].sum())
    assert not [name for name in fleet.services["service"] if name in text]


def test_terraform_does_not_buy_what_stands_already(source, fleet):
    (host, *_) = source.plan.hosts.filter(pool="services")["host"]
    standing = dataclasses.replace(fleet, hosts=pl.DataFrame({"host": [host]}))
    values = json.loads(
        files_of(dataclasses.replace(source, fleet=standing), "terraform")["placement.auto.tfvars.json"]
    )
    rows = values["placement_hosts"].values()
    assert sum(row["standing"] for row in rows) == 1
    assert all(row["to_create"] == row["hosts"] - row["standing"] for row in rows)


def test_prometheus_has_alerts_for_every_threshold_of_the_model(source):
    (group,) = yaml.safe_load(files_of(source, "prometheus")["alerts.yaml"])["groups"]
    alerts = {rule["alert"]: rule for rule in group["rules"] if "alert" in rule}
    found = {(rule["labels"]["threshold"], rule["labels"]["severity"]) for rule in alerts.values()}
    assert found == {(name, level) for name in source.model.alerts.thresholds for level in ("warning", "critical")}
    assert alerts["PlacementHostCpuWarning"]["expr"] == "placement:host_cpu:ratio > 0.7"
    assert alerts["PlacementHostCpuWarning"]["for"] == "15m"  # "sustained"
    assert "[3600s])) >= 3" in alerts["PlacementCertificateRenewalFailuresCritical"]["expr"]


def test_prometheus_records_what_the_plan_has(source):
    files = files_of(source, "prometheus")
    for row in source.plan.hosts.iter_rows(named=True):
        (group,) = yaml.safe_load(files[f"planned/{row['host']}.yaml"])["groups"]
        values = {rule["record"]: rule["expr"] for rule in group["rules"]}
        assert values["placement:host_memory_mb:planned_used"] == f"vector({row['memory_mb_used']})"
        assert values["placement:host_cpu_cores:planned_limit"] == f"vector({row['cpu_cores_limit']})"
        # all sizes of the model have a NIC of 10 Gbit/s; 60 % of it may be planned
        assert values["placement:host_network_mbps:capacity"] == f"vector({row['network_mbps_limit'] / 0.6:.1f})"
    planned = [rule for text in files.values() for rule in yaml.safe_load(text)["groups"][0]["rules"]]
    of_clusters = {
        rule["labels"]["cluster"]: rule["expr"]
        for rule in planned
        if rule.get("record") == "placement:postgres_connections_limit:planned"
    }
    clusters = source.plan.postgres_clusters.select("cluster", "connections_limit").rows()
    assert of_clusters == {name: f"vector({limit})" for name, limit in clusters}


def test_a_threshold_that_the_guide_does_not_have_is_a_series_of_its_name(source, fleet):
    thresholds = source.model.alerts.thresholds
    added = {**thresholds, "queue-depth": thresholds["heartbeat-latency"]}
    alerts = source.model.alerts.model_copy(update={"thresholds": added})
    model = source.model.model_copy(update={"alerts": alerts})
    changed = dataclasses.replace(source, fleet=dataclasses.replace(fleet, model=model))
    assert '"queue_depth > 5"' in files_of(changed, "prometheus")["alerts.yaml"]


# --- what does not change -----------------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
def test_the_same_plan_gives_the_same_files(source, target):
    assert files_of(source, target) == files_of(source, target)
    assert files_of(source, target)


@pytest.mark.parametrize("target", TARGETS)
def test_a_plan_that_moves_one_instance_changes_the_files_of_two_hosts(source, target):
    old = host_of(source, "billing-ledger", 1)
    new = host_of(source, "orders-api", 2)
    assert old != new
    moving = (pl.col("service") == "billing-ledger") & (pl.col("instance") == 1)
    moved = source.plan.assignments.with_columns(host=pl.when(moving).then(pl.lit(new)).otherwise(pl.col("host")))
    later = dataclasses.replace(source, plan=dataclasses.replace(source.plan, assignments=moved), digest="sha256:1")
    before, after = files_of(source, target), files_of(later, target)
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    # one file says which plan it is
    said = {
        "ansible": {"inventory/group_vars/all.json"},
        "registry": {"registry.jsonl"},
        "terraform": {"placement.auto.tfvars.json"},
        "prometheus": {"plan.yaml"},
    }.get(target, set())
    assert {path for path in changed - said if old not in path and new not in path} == set()
    if target in ("ansible", "systemd"):
        assert all(any(host in path for path in changed) for host in (old, new))
    if target == "registry":
        lines = [set(text["registry.jsonl"].splitlines()) for text in (before, after)]
        assert len(lines[0] - lines[1]) == len(lines[1] - lines[0]) == 2  # the plan's line, and the instance's
    if target == "terraform":
        assert [json.loads(text["placement.auto.tfvars.json"])["placement_hosts"] for text in (before, after)].count(
            json.loads(before["placement.auto.tfvars.json"])["placement_hosts"]
        ) == 2


def test_the_model_is_known_without_the_fleet_only_if_it_is_a_bundled_one(source):
    with pytest.raises(InputError, match="its fleet is needed"):
        _ = dataclasses.replace(source, fleet=None).model  # this fleet changes a number of it
    settings = source.plan.summary.settings
    honest = dict(settings) | {"model_digest": _bundled_digest()}
    summary = source.plan.summary.model_copy(update={"settings": honest})
    bundled = dataclasses.replace(source, fleet=None, plan=dataclasses.replace(source.plan, summary=summary))
    assert bundled.model.name == settings["model"]
    elsewhere = summary.model_copy(update={"settings": honest | {"model": "../../models/rithmxo-1.0"}})
    with pytest.raises(InputError, match="its fleet is needed"):
        _ = dataclasses.replace(bundled, plan=dataclasses.replace(bundled.plan, summary=elsewhere)).model


def _bundled_digest() -> str:
    from placement.capacity import load_model

    return load_model("rithmxo-1.0").digest
