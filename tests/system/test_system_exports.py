"""What an export writes is taken by the tools that it is for: Ansible, systemd, promtool, Terraform."""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import polars as pl
import pytest
import yaml
from planned import Planned

from placement.export import SCHEMAS, TARGETS, export_plan
from placement.export.env import env_line
from placement.export.source import Source, source_of
from placement.replan.waves import WAVES_SCHEMA
from placement.replan.waves_writer import write_waves

pytestmark = pytest.mark.system

OWNED = "owned"
# on this machine, by the Python that runs the tests
LOCAL = ("-c", "local", "-e", f"ansible_python_interpreter={sys.executable}")
TEXTS = [
    "100% %n %H",
    "a \"quoted\" 'text'",
    "ends with \\",
    "$HOME ${HOME} `id` $(id)",
    "{{ lookup('pipe', 'touch owned') }}",
    "{% for x in y %}{{ 7 * 7 }}{# note #}",
    "# no comment; a=b",
    "  spaces  ",
    "é — ü",
]


def run(command: list[str | Path], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    # a home of its own: tools leave files there
    home = folder / "home"
    home.mkdir(exist_ok=True)
    return subprocess.run(
        command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def good(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def exported(planned: Planned, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function from a target to the folder of its export."""
    base = tmp_path_factory.mktemp("exports")

    def folder(target: str) -> Path:
        if not (base / target).exists():
            export_plan(planned.plan, target, base / target, fleet=planned.fleet)
        return base / target

    return folder


@pytest.fixture(scope="module")
def hostile(planned: Planned) -> Source:
    """The plan, of a fleet whose services have a front end and domains that are made to break out."""
    number = planned.fleet.services.height
    services = planned.fleet.services.with_columns(domain=pl.Series((TEXTS * number)[:number]), frontend=pl.lit(True))
    return source_of(planned.plan, dataclasses.replace(planned.fleet, services=services))


def put(source: Source, target: str, folder: Path) -> Path:
    """Write the files of a source without the checks of a plan."""
    for path, content in TARGETS[target](source):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


# --- Ansible ------------------------------------------------------------------------------------------------


def test_ansible_reads_the_inventory(exported, planned, tool, tmp_path):
    inventory, program = exported("ansible") / "inventory", tool("ansible-inventory")
    listed = json.loads(good(run([program, "-i", inventory, "--list"], tmp_path)))
    hosts = planned.plan.hosts
    assert sorted(listed["_meta"]["hostvars"]) == hosts["host"].to_list()
    # the topology names no segment: the plan assumes one, whose group is the region's only child
    assert listed["region_main"] == {"children": ["segment_main_s0001"]}
    for group, column in (("size", "size"), ("pool", "pool"), ("segment_main", "segment")):
        for (value,), rows in hosts.group_by(column):
            assert sorted(listed[f"{group}_{value}"]["hosts"]) == rows["host"].sort().to_list()
    assert sorted(listed["spares"]["hosts"]) == hosts.filter("spare")["host"].to_list()

    name = planned.plan.assignments["host"][0]
    done = run([program, "-i", inventory, "--host", name], tmp_path)
    assert done.stderr == ""
    shown = json.loads(good(done))
    file = json.loads((inventory / "host_vars" / f"{name}.json").read_text())
    assert {key: shown[key] for key in file} == file
    assert shown["placement_plan_digest"] == json.loads((inventory.parent / "export.json").read_text())["plan_digest"]
    graph = good(run([program, "-i", inventory, "--graph"], tmp_path))
    assert f"@region_main:\n  |  |--@segment_main_s0001:\n  |  |  |--{hosts['host'][0]}" in graph


def test_ansible_limits_itself_to_the_hosts_of_a_step(exported, planned, tool, tmp_path):
    inventory = exported("ansible") / "inventory"
    (one, other, *_) = planned.plan.hosts.filter(pool="services")["host"]
    steps = pl.DataFrame([(1, "a", 1, one, other, "services")], schema=list(WAVES_SCHEMA), orient="row")
    write_waves(steps, tmp_path / "waves")
    limit = f"@{tmp_path / 'waves' / 'wave-0001.limit'}"
    done = run([tool("ansible"), "all", "-i", inventory, "--list-hosts", "--limit", limit], tmp_path)
    assert sorted(good(done).split()[-2:]) == sorted((one, other))
    assert "hosts (2)" in done.stdout
    assert done.stderr == ""


PLAYBOOK = """
- hosts: pool_services
  gather_facts: false
  tasks:
    - name: a file per service, which a dry run does not write
      ansible.builtin.copy:
        content: "{{ item | to_nice_json }}"
        dest: "FOLDER/dry-{{ item.unit }}"
        mode: "0644"
      loop: "{{ placement_services }}"
      loop_control: {label: "{{ item.unit }}"}
    - name: the domains as data
      ansible.builtin.copy:
        content: "{{ placement_services | map(attribute='domain') | list | to_json }}"
        dest: "FOLDER/said/{{ inventory_hostname }}.json"
        mode: "0644"
      check_mode: false
    - name: the domains in a text
      ansible.builtin.copy:
        content: "= {% for item in placement_services %}<{{ item.domain }}>{% endfor %}"
        dest: "FOLDER/said/{{ inventory_hostname }}.txt"
        mode: "0644"
      check_mode: false
"""


def test_a_dry_run_takes_domains_for_what_they_are(hostile, tool, tmp_path):
    inventory = put(hostile, "ansible", tmp_path / "out") / "inventory"
    (tmp_path / "play.yaml").write_text(PLAYBOOK.replace("FOLDER", str(tmp_path)))
    said = tmp_path / "said"
    said.mkdir()
    done = run([tool("ansible-playbook"), "--check", "-i", inventory, *LOCAL, "play.yaml"], tmp_path)
    printed = good(done)
    domains = dict(hostile.known_fleet.services.select("service", "domain").iter_rows())
    assert sorted(set(domains.values()) & set(TEXTS)) == sorted(domains.values())
    for host in hostile.plan.hosts.filter(pool="services")["host"]:
        instances = hostile.plan.assignments.filter(host=host).sort("service", "instance")
        for service, number in instances.select("service", "instance").iter_rows():
            assert f"changed: [{host}] => (item={service}@{number}.service)" in printed
        expected = [domains[service] for service in instances["service"]]
        assert json.loads((said / f"{host}.json").read_text()) == expected
        assert (said / f"{host}.txt").read_text() == "= " + "".join(f"<{domain}>" for domain in expected)
    # nothing that a template might have made, and nothing of the dry run
    assert {path.name for path in tmp_path.iterdir()} == {"out", "home", "said", "play.yaml"}


def test_a_template_that_is_not_escaped_would_run(hostile, tool, tmp_path):
    # the counterpart: what the export prevents does happen to a text that is written as it is
    inventory = put(hostile, "ansible", tmp_path / "out") / "inventory"
    host = hostile.plan.assignments["host"][0]
    (inventory / "host_vars" / f"{host}.json").write_text(json.dumps({"domain": TEXTS[4]}))
    (tmp_path / "play.yaml").write_text(
        f"- hosts: {host}\n  gather_facts: false\n  tasks:\n    - ansible.builtin.debug: {{msg: '{{{{ domain }}}}'}}\n"
    )
    good(run([tool("ansible-playbook"), "-i", inventory, *LOCAL, "play.yaml"], tmp_path))
    assert (tmp_path / OWNED).exists()


# --- systemd ------------------------------------------------------------------------------------------------


def templates(source: Source, folder: Path) -> None:
    """Put the templates of units beside the drop-ins, which come from the services' own packages."""
    names = [*source.plan.assignments["service"], *(f"node.{kind}" for kind in source.plan.nodes["kind"])]
    for name in {*names, *(f"{name}.frontend" for name in names)}:
        (folder / f"{name}@.service").write_text("[Unit]\nDescription=%i\n[Service]\nExecStart=/bin/true\n")


def verify(tool: Callable[[str], Path], folder: Path) -> subprocess.CompletedProcess[str]:
    """Verify every unit of a host: the target wants all of them, and they their slices."""
    units = [folder / "placement.target", *sorted(folder.glob("*.slice"))]
    command = [tool("systemd-analyze"), "verify", "--recursive-errors=yes", "--man=no", *units]
    # a colon at the end: systemd's own units, too
    return run(command, folder.parent, SYSTEMD_UNIT_PATH=f"{folder}:")


def test_systemd_finds_no_fault_in_any_hosts_units(hostile, tool, tmp_path):
    folders = sorted((put(hostile, "systemd", tmp_path / "out") / "hosts").iterdir())
    assert [folder.name for folder in folders] == hostile.plan.hosts["host"].to_list()
    for folder in folders:
        templates(hostile, folder)
        done = verify(tool, folder)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("right", "wrong"), [("CPUQuota=", "CPUQuotas="), ("MemoryMax=", "MemoryMax=x"), ("Slice=", "Slice=a b")]
)
def test_systemd_reads_the_drop_ins(hostile, tool, tmp_path, right, wrong):
    # the counterpart: a fault in one of them is found
    folder = put(hostile, "systemd", tmp_path / "out") / "hosts" / hostile.plan.assignments["host"][0]
    templates(hostile, folder)
    drop_in = next(folder.glob("*@1.service.d/*.conf"))
    drop_in.write_text(drop_in.read_text().replace(right, wrong))
    done = verify(tool, folder)
    assert done.returncode != 0
    assert drop_in.name in done.stderr


def read_environment(tool: Callable[[str], Path], folder: Path, lines: list[str]) -> dict[str, str]:
    """Read lines of an environment file by systemd's own parser.

    No unit can be started where systemd does not run. Its generator of a user's environment reads its files by the
    same parser, then expands variables, in which ``$$`` is a dollar; it prints what a shell reads back.
    """
    (folder / "environment.d").mkdir()
    (folder / "environment.d" / "50.conf").write_text("\n".join(lines) + "\n")
    printed = good(run([tool("environment-generator")], folder, XDG_CONFIG_HOME=str(folder)))
    # the shell's rules in double quotes, and $'…' for what is not printable, which no value is
    words = [
        word for line in printed.splitlines() for word in shlex.split(line.replace("\\$", "$").replace("\\`", "`"))
    ]
    return dict(word.split("=", 1) for word in words)


def test_systemd_reads_environment_files_back(exported, planned, tool, tmp_path):
    lines, expected = [], {}
    for number, file in enumerate(sorted((exported("env") / "services").iterdir())):
        for line in file.read_text().splitlines():
            key, _, value = line.partition("=")
            lines.append(f"{key}__{number}={value}")
            expected[f"{key}__{number}"] = value[1:-1]
    assert expected  # nothing in them needs an escape
    read = read_environment(tool, tmp_path, lines)
    assert {key: read[key] for key in expected} == expected


def test_systemd_reads_hostile_values_back(tool, tmp_path):
    expected = {f"TEXT_{number}": text for number, text in enumerate(TEXTS)}
    lines = [env_line(key, text.replace("$", "$$")) for key, text in expected.items()]
    read = read_environment(tool, tmp_path, lines)
    assert {key: read[key] for key in expected} == expected


# --- Prometheus ---------------------------------------------------------------------------------------------


def rule_files(folder: Path) -> list[Path]:
    return [folder / "alerts.yaml", folder / "plan.yaml", *sorted((folder / "planned").iterdir())]


def test_promtool_takes_the_rules(exported, planned, tool, tmp_path):
    files = rule_files(exported("prometheus"))
    assert len(files) == planned.plan.hosts.height + 2
    printed = good(run([tool("promtool"), "check", "rules", *files], tmp_path))
    assert printed.count("SUCCESS") == len(files)


def is_firing(at: str, alerts: str, expected: list[tuple[str, str, dict[str, str]]]) -> dict[str, Any]:
    """Return the test that of these alerts those fire at a time, with threshold, level and labels, and no others."""
    series = [
        {
            "alertname": f"Placement{name.title().replace('-', '')}{end}",
            "alertstate": "firing",
            "severity": end.lower() if end != "AbovePlan" else "warning",
            "threshold": name,
            **labels,
        }
        for name, end, labels in expected
    ]
    samples = [
        {"labels": f"ALERTS{{{','.join(f'{key}={json.dumps(value)}' for key, value in row.items())}}}", "value": 1}
        for row in series
    ]
    expression = f'ALERTS{{alertstate="firing",{alerts}}}'
    return {"expr": expression, "eval_time": at, "exp_samples": samples}


def check_rules(tool: Callable[[str], Path], files: list[Path], tests: list[dict[str, Any]], folder: Path) -> None:
    content = {"rule_files": list(map(str, files)), "evaluation_interval": "1m", "tests": tests}
    (folder / "tests.yaml").write_text(yaml.safe_dump(content))
    good(run([tool("promtool"), "test", "rules", "tests.yaml"], folder))


@dataclasses.dataclass(frozen=True)
class Watched:
    """A host, a server and a Valkey, and the rules that are about them."""

    host: dict[str, Any]
    postgres: dict[str, Any]
    valkey: dict[str, Any]
    files: list[Path]

    def labels(self, threshold: str) -> dict[str, str]:
        for row, name in ((self.postgres, "postgres-connections"), (self.valkey, "valkey-memory")):
            if threshold == name:
                return {"cluster": row["cluster"]}
        return {"host": self.host["host"]}


@pytest.fixture(scope="module")
def watched(exported: Callable[[str], Path], planned: Planned) -> Watched:
    plan, folder = planned.plan, exported("prometheus")
    host = plan.hosts.filter(pool="services").row(0, named=True)
    postgres, _ = planned.postgres_cluster(pgbouncers=True)
    valkey, _, _ = planned.valkey_cluster("single")
    led = plan.nodes.filter(pl.col("workload").is_in([postgres["cluster"], valkey["cluster"]]), role="primary")
    hosts = {host["host"], *led["host"]}
    return Watched(
        host, postgres, valkey, [folder / "alerts.yaml", *(folder / "planned" / f"{name}.yaml" for name in hosts)]
    )


def series_of(watched: Watched, **used: float) -> list[dict[str, str]]:
    """Return series, a value a minute for half an hour, in which so much is used: cores, bytes, bytes a second, …"""
    on, of_disk = f'host="{watched.host["host"]}"', f'host="{watched.host["host"]}",fstype="ext4"'
    still = {
        f"node_memory_MemTotal_bytes{{{on}}}": 16e9,
        f"node_memory_MemAvailable_bytes{{{on}}}": 16e9 - used["memory"],
        f"node_filesystem_size_bytes{{{of_disk}}}": 1e12,
        f"node_filesystem_avail_bytes{{{of_disk}}}": 1e12 - used["disk"],
        f'pg_stat_activity_count{{cluster="{watched.postgres["cluster"]}",instance="p"}}': used["connections"],
        f'redis_memory_used_bytes{{cluster="{watched.valkey["cluster"]}",instance="v"}}': used["cache"],
    }
    grows = {
        # eight cores, of which all that is not used is idle
        **{f'node_cpu_seconds_total{{{on},mode="idle",cpu="{n}"}}': 60 * (1 - used["cores"] / 8) for n in range(8)},
        **{f'node_cpu_seconds_total{{{on},mode="user",cpu="{n}"}}': 60 * used["cores"] / 8 for n in range(8)},
        # the busier direction counts
        f'node_network_receive_bytes_total{{{on},device="eth0"}}': 60 * used["network"] / 2,
        f'node_network_transmit_bytes_total{{{on},device="eth0"}}': 60 * used["network"],
    }
    return [
        *({"series": series, "values": f"{value:.0f}x30"} for series, value in still.items()),
        *({"series": series, "values": f"0+{step:.6f}x30"} for series, step in grows.items()),
    ]


def test_alerts_fire_beyond_their_thresholds_and_not_below(watched, planned, tool, tmp_path):
    names = ("host-cpu", "host-memory", "disk", "network", "postgres-connections", "valkey-memory")
    capacity = watched.host["network_mbps_limit"] / 0.6 * 1e6 / 8  # 60 % of the NIC may be planned; in bytes a second
    tests = []
    for share in (0.59, 0.61, 0.71, 0.76, 0.81, 0.86, 0.91):
        expected = [
            (name, level, watched.labels(name))
            for name in names
            for level in ("Warning", "Critical")
            if share > getattr(planned.model.alerts.thresholds[name], level.lower()).typical
        ]
        used = series_of(
            watched, cores=8 * share, memory=16e9 * share, disk=1e12 * share, network=capacity * share,
            connections=watched.postgres["max_connections"] * share, cache=60e6 * share,  # 60 MB: the fleet's tier v-2
        )  # fmt: skip
        check = is_firing("25m", 'alertname!~".*AbovePlan"', expected)
        tests.append({"interval": "1m", "input_series": used, "promql_expr_test": [check]})
    check_rules(tool, watched.files, tests, tmp_path)


def test_alerts_fire_where_more_is_used_than_the_plan_has(watched, planned, tool, tmp_path):
    host, names = watched.host, ("host-cpu", "host-memory", "disk", "network", "postgres-connections", "valkey-memory")
    reserve_mb = planned.fleet.sizes[host["size"]].os_reserved_mb
    tests = []
    for share, expected in ((0.99, []), (1.01, [(name, "AbovePlan", watched.labels(name)) for name in names])):
        used = series_of(
            watched, cores=host["cpu_cores_limit"] * share, disk=host["disk_gb_limit"] * 1e9 * share,
            memory=(host["memory_mb_limit"] + reserve_mb) * 1e6 * share,
            network=host["network_mbps_limit"] * 1e6 / 8 * share,
            connections=watched.postgres["connections_limit"] * share,
            cache=watched.valkey["memory_mb_limit"] * 1e6 * share,
        )  # fmt: skip
        check = is_firing("25m", 'alertname=~".*AbovePlan"', expected)
        tests.append({"interval": "1m", "input_series": used, "promql_expr_test": [check]})
    check_rules(tool, watched.files, tests, tmp_path)


def test_alerts_of_latencies_and_failures(watched, tool, tmp_path):
    def heartbeat(at: str, *levels: str) -> dict[str, Any]:
        expected = [("heartbeat-latency", level, {"instance": "r"}) for level in levels]
        return is_firing(at, 'threshold="heartbeat-latency"', expected)

    def failures(at: str, *levels: str) -> dict[str, Any]:
        expected = [("certificate-renewal-failures", level, {"instance": "s"}) for level in levels]
        return is_firing(at, 'threshold="certificate-renewal-failures"', expected)

    latency = {"series": 'infrasot_heartbeat_latency_seconds{instance="r"}', "values": "5 5.1 15 15.1"}
    # a failure at 61 minutes; two at 160 and 170, more than an hour later; a third at 180
    counted = "0x60 1x98 2x9 3x9 4x30"
    counter = {"series": 'sia_certificate_renewal_failures_total{instance="s"}', "values": counted}
    checks = [
        heartbeat("0m"), heartbeat("1m", "Warning"), heartbeat("2m", "Warning"),
        heartbeat("3m", "Warning", "Critical"), failures("60m"), failures("65m", "Warning"), failures("130m"),
        failures("175m", "Warning"), failures("185m", "Warning", "Critical"),
    ]  # fmt: skip
    test = {"interval": "1m", "input_series": [latency, counter], "promql_expr_test": checks}
    check_rules(tool, watched.files[:1], [test], tmp_path)


# --- Terraform ----------------------------------------------------------------------------------------------


def test_terraform_takes_the_variables(exported, tmp_path):
    folder = exported("terraform")
    values = json.loads((folder / "placement.auto.tfvars.json").read_text())
    jsonschema.validate(values, SCHEMAS["terraform-export"]())
    declared = (folder / "placement_variables.tf").read_text()
    assert all(f'variable "{name}" {{' in declared for name in values)
    # neither is in Debian: where there is one, it has the last word
    for program in filter(None, (shutil.which("terraform"), shutil.which("tofu"))):
        module = tmp_path / Path(program).name
        shutil.copytree(folder, module)
        (module / "outputs.tf").write_text(
            'output "hosts" {\n  value = sum([for row in values(var.placement_hosts) : row.hosts])\n}\n'
        )
        assert json.loads(good(run([program, "validate", "-json"], module)))["valid"]
        shown = good(run([program, "plan", "-input=false", "-no-color"], module))
        assert f"hosts = {sum(row['hosts'] for row in values['placement_hosts'].values())}" in shown
