r"""Target ``systemd``: per host a folder with what belongs into its ``/etc/systemd/system``.

::

    hosts/{host}/placement.target                               wants every unit of the host
    hosts/{host}/placement-service-{service}.slice              both units of all instances of a service
    hosts/{host}/{service}@{number}.service.d/50-placement.conf
    hosts/{host}/{service}.frontend@{number}.service.d/50-placement.conf
    hosts/{host}/node.{kind}@{node}.service.d/50-placement.conf

What a service executes is its own packaging's: the templates ``{service}@.service``, ``{service}.frontend@.service``
and ``node.{kind}@.service`` come from there, the drop-ins limit them. A hyphen in a slice's name makes it a slice of
another slice, so it is an underscore there; no service has one in its name.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from placement.errors import InputError, Problem
from placement.export.hosts import Host, Instance, hosts_of
from placement.export.limits import InstanceLimits, UnitLimits, node_limits, service_limits
from placement.export.names import is_text, refuse_control_characters
from placement.export.settings import Connections
from placement.export.source import Source

TARGET = "placement.target"
NODES_SLICE = "placement-node.slice"
ENVIRONMENT_FOLDER = "/etc/placement/env"
"""Where the files of the target ``env`` are on a host."""

_BYTES_PER_MB = 1_000_000
_DROP_IN = "50-placement.conf"
_MOST_WEIGHT = 10_000
_UNIT_NAME = re.compile(r"[A-Za-z0-9:_.-]+(@[A-Za-z0-9:_.-]+)?\.(service|slice|target)")
_MOST_UNIT_NAME = 255


def files(source: Source) -> Iterator[tuple[str, bytes]]:
    """Yield the files of the target."""
    fleet = source.known_fleet
    limits = service_limits(fleet)
    domains = dict(fleet.services.select("service", "domain").iter_rows())
    has_settings = set(Connections(source).services())
    for host in hosts_of(source.plan):
        for name, text in _host_files(host, limits, domains, has_settings):
            yield f"hosts/{host.name}/{name}", text.encode()


def _host_files(
    host: Host, limits: dict[str, InstanceLimits], domains: dict[str, str], has_settings: set[str]
) -> Iterator[tuple[str, str]]:
    units: dict[str, str] = {}
    weights: dict[str, int] = defaultdict(int)
    for instance in host.instances:
        limit = limits[instance.service]
        unit = unit_name(f"{instance.service}@{instance.number}.service")
        units[unit] = _instance_drop_in(host, instance, limit.backend, instance.service in has_settings)
        weights[instance.service] += limit.backend.cpu_weight
        if limit.frontend is not None:
            unit = unit_name(f"{instance.service}.frontend@{instance.number}.service")
            units[unit] = _frontend_drop_in(host, instance, limit.frontend)
            weights[instance.service] += limit.frontend.cpu_weight
    for node in host.nodes:
        unit = unit_name(f"node.{node['kind']}@{node['node']}.service")
        environment = {"PLACEMENT_NODE": node["node"], "PLACEMENT_WORKLOAD": node["workload"]}
        environment |= {"PLACEMENT_ROLE": node["role"], "PLACEMENT_HOST": host.name}
        units[unit] = _drop_in(NODES_SLICE, environment, node_limits(node))
    yield TARGET, _target(host, sorted(units))
    for service, weight in sorted(weights.items()):
        yield slice_name(service), _slice(service, domains[service], weight)
    for unit, text in sorted(units.items()):
        yield f"{unit}.d/{_DROP_IN}", text


def unit_name(name: str) -> str:
    """Return a unit's name if systemd takes it as such.

    Raises
    ------
    InputError
        If it does not.
    """
    if not _UNIT_NAME.fullmatch(name) or len(name) > _MOST_UNIT_NAME:
        raise InputError(Problem("systemd", "is no name of a unit", value=name[:60], allowed=_UNIT_NAME.pattern))
    return name


def slice_name(service: str) -> str:
    """Return the slice of a service."""
    return unit_name(f"placement-service-{service.replace('-', '_')}.slice")


def unit_text(text: str) -> str:
    """Return free text as a unit's description: one line, no specifiers, no continued line.

    What no line can hold becomes U+FFFD.
    """
    kept = "".join(letter if is_text(letter) else "\ufffd" for letter in text)
    return kept.replace("%", "%%") + (" " if kept.endswith("\\") else "")


def environment_word(key: str, value: str) -> str:
    r"""Return an assignment as a word of ``Environment=``: in double quotes, with C escapes and no specifiers.

    Raises
    ------
    InputError
        If the value has control characters.
    """
    refuse_control_characters(value, "systemd", key)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{key}={escaped}"'


def _target(host: Host, units: list[str]) -> str:
    lines = ["[Unit]", f"Description=What the plan has on host {unit_text(host.name)}"]
    lines += [f"Wants={unit}" for unit in units]
    return "\n".join([*lines, "", "[Install]", "WantedBy=multi-user.target"]) + "\n"


def _slice(service: str, domain: str, weight: int) -> str:
    of_domain = f" (domain {unit_text(domain)})" if domain else ""
    lines = ["[Unit]", f"Description=Service {unit_text(service)}{of_domain}"]
    return "\n".join([*lines, "", "[Slice]", f"CPUWeight={min(_MOST_WEIGHT, weight)}"]) + "\n"


def _instance_drop_in(host: Host, instance: Instance, limits: UnitLimits, has_settings: bool) -> str:
    environment = _environment(host, instance) | {"PLACEMENT_PORT": str(instance.port)}
    file = f"{ENVIRONMENT_FOLDER}/{instance.service}.env" if has_settings else ""
    return _drop_in(slice_name(instance.service), environment, limits, file)


def _frontend_drop_in(host: Host, instance: Instance, limits: UnitLimits) -> str:
    # PORT is what a standalone Next.js listens on
    ports = {"PORT": str(instance.port + 1), "PLACEMENT_BACKEND_PORT": str(instance.port)}
    return _drop_in(slice_name(instance.service), _environment(host, instance) | ports, limits)


def _environment(host: Host, instance: Instance) -> dict[str, str]:
    return {
        "PLACEMENT_SERVICE": instance.service,
        "PLACEMENT_INSTANCE": str(instance.number),
        "PLACEMENT_HOST": host.name,
    }


def _drop_in(slice_: str, environment: dict[str, str], limits: UnitLimits, environment_file: str = "") -> str:
    lines = ["[Unit]", f"PartOf={TARGET}", "", "[Service]", f"Slice={slice_}"]
    lines += [f"EnvironmentFile={environment_file}"] if environment_file else []
    lines += [f"Environment={environment_word(key, value)}" for key, value in environment.items()]
    lines += [
        f"CPUQuota={limits.cpu_quota_percent}%",
        f"CPUWeight={limits.cpu_weight}",
        f"MemoryHigh={limits.memory_high_mb * _BYTES_PER_MB}",
        f"MemoryMax={limits.memory_max_mb * _BYTES_PER_MB}",
        f"TasksMax={limits.tasks_max}",
        f"LimitNOFILE={limits.open_files}",
    ]
    return "\n".join(lines) + "\n"
