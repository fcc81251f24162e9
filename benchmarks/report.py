"""Tables and pictures from the recorded runs: benchmarks/RESULTS.md and docs/img/bench-*.svg."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks import vectorpack
from benchmarks.cases import missed
from benchmarks.peers.compare import FLEETS, OURS, PEERS, SAMPLE
from benchmarks.registry import BY_NAME, CASES, Case, Target
from benchmarks.results import Record, Run, latest

HISTORY = (
    "fleet-5000", "mixed-100k", "profile-100k", "measured-100k", "families-100k", "skewed-100k", "measured-1m",
    "tclab", "tclab-rules", "tclab-density-10-arbitrary", "tclab-100k-arbitrary", "cloud-200-600",
)  # fmt: skip
"""Cases whose figures are followed from run to run."""

_INTRODUCTION = """\
# Results

Written by `python -m benchmarks report` from [results/](results/), a file a run; how to repeat it, and what is measured
how: [README.md](README.md). Where a case was measured in several runs, its newest figures count.
"""

_LEGEND = """\
`✓` reaches what is asked of the case, `✓✓` also what is aimed for, `✗` misses; both stand in brackets, asked / aim.
Gap: (cost − bound) / bound, the bound certified and checked. Seconds: the whole command, from files to the checked and
written plan. MB: the largest process. Check: `placement check` of plan and bound, in a process of its own.
"""

_VECTORPACK = f"""\
Half of the public instances: 3, 5 and 10 resources, {vectorpack.LIMIT_S:.0f} s each at most.
Worse, better: than the best of 351 published heuristics (asked: never worse). Optimum reached: of those whose optimum
is known (asked 95 %, aim 99 %). Proved: hosts equal our bound; in brackets as a share of those with a known optimum
(asked 80 %, aim 95 %). Late: beyond the limit.
"""

_PEERS = """\
Same problem, same machine, same run, one after another; every packing checked and priced by the benchmark. Ours is the
whole command, with reading, checking and writing; a peer's seconds leave out starting, compiling and reading. Without
a cost: how it failed.
"""


def write(runs: list[Run], root: Path) -> None:
    """Write tables and pictures into the repository."""
    from benchmarks import pictures  # Matplotlib: only here

    drawn = pictures.draw(runs, root / "docs" / "img")
    parts = [_INTRODUCTION, _machines(runs), *_tables(runs), _pictures(drawn), _history(runs)]
    (root / "benchmarks" / "RESULTS.md").write_text("\n".join(part for part in parts if part), encoding="utf-8")


def of_run(run: Run) -> str:
    """Return the tables of one run."""
    return "\n".join(part for part in _tables([run]) if part)


def _tables(runs: list[Run]) -> list[str]:
    return [_cases(runs), _growth(runs), _vectorpack(runs), _peers(runs)]


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table."""
    header = list(header)
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _machines(runs: list[Run]) -> str:
    rows = []
    for run in runs:
        of = run.head["machine"]
        packages = ", ".join(f"{name} {version}" for name, version in of["packages"].items())
        machine = f"{of['cpu']}, {of['cores']} cores, {of['memory_gib']} GiB, {of['system']}"
        rows.append(
            [run.name, run.head["date"], run.head.get("commit") or "", machine, f"Python {of['python']}, {packages}"]
        )
    return "## Runs\n\n" + table(("run", "date", "commit", "machine", "versions"), rows)


# --- cases ------------------------------------------------------------------------------------------------------


def _cases(runs: list[Run]) -> str:
    newest = {record["case"]: (run, record) for run, record in latest(runs, "case")}
    rows = [_case_row(case, *newest[case.name]) for case in CASES if case.name in newest]
    if not rows:
        return ""
    header = (
        "case",
        "",
        "services",
        "cost/h",
        "bound/h",
        "gap",
        "seconds",
        "CPU s",
        "MB",
        "check s",
        "published",
        "run",
    )
    return f"## Cases\n\n{_LEGEND}\n" + table(header, rows)


def _case_row(case: Case, run: Run, record: Record) -> list[str]:
    if "cost" not in record:
        return [case.name, "✗", *[""] * 3, record["status"], *[""] * 5, run.name]
    asked, aim = case.asked, case.aim
    over = record["cost"] - record["bound"]
    gap = f"{record['gap']:.4%}{_wanted(asked.gap, aim.gap, '.2%')}"
    if asked.over_bound is not None or aim.over_bound is not None:
        gap += f", {over:+.0f} hosts{_wanted(asked.over_bound, aim.over_bound, 'd')}"
    below = _wanted(asked.cost_below, aim.cost_below, ",.0f")
    return [
        case.name,
        _mark(case, record),
        f"{record['services']:,}" if "services" in record else "",
        f"{_money(record['cost'])}{below}",
        _money(record["bound"]),
        gap,
        f"{record['wall_s']:.1f}{_wanted(asked.seconds, aim.seconds, 'g')}",
        f"{record['user_s']:.0f}" if "user_s" in record else "",
        f"{record['peak_mb']:,}" + _wanted(*(t.gigabytes and t.gigabytes * 1000 for t in (asked, aim)), ",.0f"),
        f"{record['check_s']:.1f}",
        _published(case),
        run.name,
    ]


def _mark(case: Case, record: Record) -> str:
    if missed(case, record):
        return "✗"
    has_aim = case.aim != Target()
    return "✓✓" if has_aim and not missed(_aiming(case), record) else "✓"


def _aiming(case: Case) -> Case:
    return dataclasses.replace(case, asked=case.aim)


def _wanted(asked: float | None, aim: float | None, form: str) -> str:
    shown = [("–" if value is None else f"{value:{form}}") for value in (asked, aim)]
    if asked is None and aim is None:
        return ""
    return f" ({shown[0]})" if aim is None else f" ({shown[0]} / {shown[1]})"


def _published(case: Case) -> str:
    of = case.published
    if of is None:
        return ""
    figures = [
        None if of.gap is None else f"{of.gap:.2%}",
        None if of.cost is None else f"cost {of.cost:,.0f}",
        None if of.seconds is None else f"{of.seconds:,.0f} s",
    ]
    return ", ".join(figure for figure in figures if figure) + f" ({of.source})"


def _money(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) and value >= 5000 else f"{value:,.3f}"


def _growth(runs: list[Run]) -> str:
    newest = {record["case"]: record for _, record in latest(runs, "case") if "cost" in record}
    ladder = sorted(
        (case.ladder[1], newest[case.name]) for case in CASES if case.ladder is not None and case.name in newest
    )
    if len(ladder) < 2:
        return ""
    rows = []
    before: tuple[float, Record] | None = None
    for services, record in ladder:
        growth = ["", "", ""]
        if before is not None:
            fleet = services / before[0]
            growth = [f"×{fleet:.1f}"] + [f"×{record[key] / before[1][key]:.1f}" for key in ("user_s", "peak_mb")]
        rows.append(
            [f"{services:,.0f}", f"{record['gap']:.4%}", f"{record['wall_s']:.1f}", f"{record['user_s']:.0f}",
             f"{record['peak_mb']:,}", *growth]
        )  # fmt: skip
        before = services, record
    header = ("services", "gap", "seconds", "CPU s", "MB", "fleet", "CPU", "memory")
    return (
        "## Cost of growth\n\nMeasured demands, from 10,000 services to a million; × against the row above.\n\n"
        + table(header, rows)
    )


# --- Vectorpack -------------------------------------------------------------------------------------------------


def _vectorpack(runs: list[Run]) -> str:
    newest = {record["case"]: record for _, record in latest(runs, "vectorpack")}
    if set(newest) != set(vectorpack.SETS):
        return ""
    total: dict[str, Any] = {
        key: sum(newest[name][key] for name in vectorpack.SETS)
        for key in newest["new"]
        if isinstance(newest["new"][key], int)
    }
    total["seconds_most"] = max(newest[name]["seconds_most"] for name in vectorpack.SETS)
    total["seconds_mean"] = sum(
        newest[name]["seconds_mean"] * newest[name]["instances"] for name in vectorpack.SETS
    ) / max(total["instances"], 1)
    rows = []
    for name, record in [*((name, newest[name]) for name in vectorpack.SETS), ("all", total)]:
        known = max(record["with_optimum"], 1)
        rows.append(
            [
                name,
                *(f"{record[key]:,}" for key in ("instances", "failed", "worse", "better")),
                f"{record['reached']:,} of {record['with_optimum']:,} ({record['reached'] / known:.1%})",
                f"{record['proved']:,} ({record['proved_with_optimum'] / known:.1%})",
                f"{record['hosts']:,} / {record['best_published_hosts']:,}",
                f"{record['seconds_mean']:.1f} / {record['seconds_most']:.1f}", f"{record['late']:,}",
            ]
        )  # fmt: skip
    contradictions = sorted(name for of in newest.values() for name in of["contradictions"])
    header = (
        "set", "instances", "failed", "worse", "better", "optimum reached", "proved", "hosts / published",
        "seconds mean / most", "late",
    )  # fmt: skip
    contradictions = sorted(name for of in newest.values() for name in of["contradictions"])
    warning = f"\n**Contradicts what is known: {', '.join(contradictions)}.**\n" if contradictions else ""
    return f"## Vectorpack\n\n{_VECTORPACK}\n" + table(header, rows) + warning


# --- peers ------------------------------------------------------------------------------------------------------


def peer_rows(runs: list[Run], case: str) -> list[dict[str, Any]]:
    """Return a row a peer of the newest run that has the case: ours first; `gap` to our certified bound."""
    for run in reversed(runs):
        records = {record["peer"]: record for record in run.of_kind("peer") if record["case"] == case}
        ours = records.get(OURS)
        if ours is None or ("bound" not in ours and not ours.get("bound_each")):
            continue
        rows = []
        for peer in (OURS, *PEERS):
            if (record := records.get(peer)) is None:
                continue
            bound = ours.get("bound")
            if ours.get("bound_each"):
                bound = sum(ours["bound_each"][number] for number in record.get("solved", ()))
            is_priced = bool(bound) and "cost" in record and (record["status"] == "ok" or record.get("solved"))
            gap = (record["cost"] - bound) / bound if is_priced else None
            rows.append({**record, "gap": gap, "our_seconds": ours["seconds"], "run": run.name})
        return rows
    return []


def _peers(runs: list[Run]) -> str:
    parts = []
    for case in (*FLEETS, SAMPLE):
        rows = peer_rows(runs, case)
        if len(rows) < 2:
            continue
        ours = rows[0]
        shown = []
        for row in rows:
            remark = row.get("note", "") if row["status"] == "ok" else row["status"]
            if row["gap"] is None:
                shown.append([row["peer"], "", "", "", "", f"{row.get('peak_mb', 0):,}", remark])
                continue
            shown.append(
                [
                    row["peer"],
                    _money(row["cost"]),
                    f"{row['gap']:.3%}",
                    f"{row['seconds']:.2f}",
                    f"×{row['seconds'] / row['our_seconds']:.2f}",
                    f"{row['peak_mb']:,}",
                    remark,
                ]
            )
        purpose = "a spread of Vectorpack's instances, hosts added up" if case == SAMPLE else BY_NAME[case].purpose
        parts.append(f"### {case}: {purpose} ({ours['run']})\n")
        parts.append(table(("who", "cost/h", "over our bound", "seconds", "of ours", "MB", "remark"), shown))
    if not parts:
        return ""
    return f"## Peers\n\n{_PEERS}\n" + "\n".join(parts)


# --- pictures and history ---------------------------------------------------------------------------------------


def _pictures(drawn: dict[str, str]) -> str:
    if not drawn:
        return ""
    return "## Pictures\n\n" + "\n".join(f"![{text}](../docs/img/{name})\n" for name, text in drawn.items())


def _history(runs: list[Run]) -> str:
    columns = [
        name for name in HISTORY if any(record["case"] == name for run in runs for record in run.of_kind("case"))
    ]
    rows = []
    for run in runs:
        found = {record["case"]: record for record in run.of_kind("case")}
        if found:
            cells = [_history_cell(found.get(name)) for name in columns]
            rows.append([run.name, run.head.get("note", ""), *cells])
    return (
        "## History\n\nA row a run: gap and seconds of the whole command. A change of protocol is noted in its run.\n\n"
        + table(("run", "what changed", *columns), rows)
    )


def _history_cell(record: Record | None) -> str:
    if record is None:
        return ""
    return f"{record['gap']:.3%}, {record['wall_s']:.0f} s" if "gap" in record else "failed"
