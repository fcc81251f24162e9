"""Names and texts made to break out of their format: refused where they are names, harmless where they are texts."""

from __future__ import annotations

import dataclasses
import json
import re

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from placement.errors import InputError
from placement.export import TARGETS
from placement.export.ansible import group_name, literal
from placement.export.env import env_line
from placement.export.folder import write_folder
from placement.export.names import check_names
from placement.export.pgbouncer import connect_value, database_key
from placement.export.prometheus import template_text, yaml_text
from placement.export.settings import connection_value
from placement.export.source import source_of
from placement.export.systemd import environment_word, slice_name, unit_name, unit_text

HOSTILE = [
    "../x",
    "/etc/passwd",
    "a/b",
    "..",
    "",
    "a b",
    "-rf",
    "a\nb",
    "a\n",
    "a\0b",
    'a"b',
    "a'b",
    "a$HOME",
    "a`id`",
    "a%n",
    "a\\",
    "a;b",
    "a=b",
    "a,b",
    "a:b",
    "a[1:3]",
    "{{ lookup('pipe', 'id') }}",
    "{% raw %}",
    "!unsafe x",
    "&anchor",
    "é",
    "A",
    "a" * 64,
    "a\u2028b",
]
TEXTS = [text for text in HOSTILE if text.isprintable()]

printable = st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), max_size=30)


# --- names --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("hosts", "host"),
        ("hosts", "region"),
        ("assignments", "service"),
        ("assignments", "host"),
        ("nodes", "node"),
        ("nodes", "kind"),
        ("databases", "cluster"),
        ("caches", "service"),
        ("valkey_clusters", "cluster"),
    ],
)
def test_hostile_names_are_refused(plan, fleet, table, column, name):
    frame = getattr(plan, table)
    bad = frame.with_columns(pl.when(pl.row_index() == 0).then(pl.lit(name)).otherwise(column).alias(column))
    with pytest.raises(InputError) as refused:
        source_of(dataclasses.replace(plan, **{table: bad}), fleet)
    (problem,) = refused.value.problems
    assert (problem.file, problem.column, problem.rows) == (table, column, (1,))


@pytest.mark.parametrize("zone", [name for name in HOSTILE if name])
def test_hostile_zones_are_refused_and_no_zone_is_not(plan, zone):
    check_names(plan)
    with pytest.raises(InputError, match="zone"):
        check_names(dataclasses.replace(plan, hosts=plan.hosts.with_columns(zone=pl.lit(zone))))


@pytest.mark.parametrize("name", ["a.b c", "a..b", "a;b.internal", "a,b", "x\n", "$x.internal", "{{ x }}", ""])
def test_hostile_host_names_are_refused(plan, name):
    for table in ("databases", "postgres_clusters", "valkey_clusters"):
        bad = getattr(plan, table).with_columns(host_name=pl.lit(name))
        with pytest.raises(InputError, match="host_name"):
            check_names(dataclasses.replace(plan, **{table: bad}))


def test_every_hostile_name_is_told_at_once(plan):
    hosts = plan.hosts.with_columns(host=pl.lit("../x"), size=pl.lit("a\nb"))
    with pytest.raises(InputError) as refused:
        check_names(dataclasses.replace(plan, hosts=hosts))
    assert [(problem.column, problem.num_rows) for problem in refused.value.problems] == [
        ("host", plan.hosts.height),
        ("size", plan.hosts.height),
    ]


@pytest.mark.parametrize(
    "path", ["../x", "/x", "a//b", "a/../b", ".", ".hidden", "a/.b", "a\nb", "a\\b", "", "é", "a" * 256]
)
def test_no_path_leads_out_of_the_folder(tmp_path, path):
    with pytest.raises(InputError):
        write_folder(tmp_path / "out", {"target": "env"}, [("fine", b""), (path, b"x")])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a/b@1.service", "a\n@1.service", "a@1", "a b.service", "%n.service", "@1.service"])
def test_what_is_no_unit_is_refused(name):
    with pytest.raises(InputError):
        unit_name(name)
    assert unit_name("a-b.frontend@1.service") == "a-b.frontend@1.service"


def test_services_have_slices_of_their_own():
    # a-b would be a slice of a: systemd takes hyphens for levels
    assert slice_name("a-b") == "placement-service-a_b.slice"
    with pytest.raises(InputError):
        slice_name("a b")


def test_groups_have_names_that_ansible_takes():
    assert group_name("zone", "eu-1", "a") == "zone_eu_1_a"
    for name in ("{{ x }}", "a b", "a\n", "Ä"):
        with pytest.raises(InputError):
            group_name("zone", name)


def test_places_that_would_be_one_group_are_refused(plan, fleet):
    # zone b-c of region a and zone c of region a-b
    first = pl.row_index() == 0
    hosts = plan.hosts.with_columns(
        region=pl.when(first).then(pl.lit("a")).otherwise(pl.lit("a-b")),
        zone=pl.when(first).then(pl.lit("b-c")).otherwise(pl.lit("c")),
        segment=pl.lit(""),
    )
    source = source_of(dataclasses.replace(plan, hosts=hosts), fleet)
    with pytest.raises(InputError, match="would be one group"):
        list(TARGETS["ansible"](source))


# --- texts --------------------------------------------------------------------------------------------------


def read_env(line: str) -> tuple[str, str]:
    """Read an assignment in double quotes as systemd does (src/basic/env-file.c): a backslash is kept unless it
    stands before one of four characters."""
    key, _, quoted = line.partition("=")
    assert quoted[0] == quoted[-1] == '"'
    value, position = "", 1
    while position < len(quoted) - 1:
        letter = quoted[position]
        assert letter != '"', "the value ends before the line does"
        if letter == "\\":
            position += 1
            letter = quoted[position] if quoted[position] in '"\\`$' else "\\" + quoted[position]
        value += letter
        position += 1
    assert position == len(quoted) - 1, "the closing quote is escaped"
    return key, value


@given(printable)
@settings(deadline=None)
def test_environment_files_read_back(text):
    assert read_env(env_line("Key__Name", text)) == ("Key__Name", text)


@pytest.mark.parametrize("value", ["a\nb", "a\0", "\x7f", "\x85", "\ud800"])
def test_environment_files_have_no_control_characters(value):
    with pytest.raises(InputError):
        env_line("KEY", value)


@pytest.mark.parametrize("key", ["", "1A", "A-B", "A=B", "A\n", "A B"])
def test_names_of_variables(key):
    with pytest.raises(InputError):
        env_line(key, "x")


@given(st.text(max_size=30))
@settings(deadline=None)
def test_descriptions_are_one_line_without_specifiers(text):
    shown = unit_text(text)
    assert len(f"x{shown}x".splitlines()) == 1
    assert not shown.endswith("\\")
    assert "%" not in shown.replace("%%", "")


@given(printable)
@settings(deadline=None)
def test_words_of_an_environment_read_back(text):
    word = environment_word("KEY", text)
    inner = re.fullmatch(r'"KEY=((?:[^"\\]|\\["\\])*)"', word)
    assert inner, word
    assert re.sub(r"\\(.)", r"\1", inner[1]).replace("%%", "%") == text
    assert "%" not in word.replace("%%", "")


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=30))
@settings(deadline=None)
def test_rules_read_back_as_yaml(text):
    assert yaml.safe_load(f"- key: {yaml_text(text)}\n  other: 1\n") == [{"key": text, "other": 1}]


@pytest.mark.parametrize("text", TEXTS)
def test_annotations_hold_no_templates(text):
    shown = template_text(text)
    # all that is left of a template is one that prints the braces
    assert "{{" not in shown.replace('{{ "{{" }}', "")
    assert shown.replace('{{ "{{" }}', "{{") == text


@given(printable)
@settings(deadline=None)
def test_ansible_looks_for_templates_in_no_text(text):
    made = literal(text)
    assert made == ({"__ansible_unsafe": text} if "{" in text else text)


@given(printable)
@settings(deadline=None)
def test_pgbouncer_texts_read_back(text):
    value = connect_value(text)
    assert value == text or re.fullmatch(r"'((?:[^']|'')*)'", value)[1].replace("''", "'") == text
    assert value == text or value[0] == "'"


@pytest.mark.parametrize("name", [name for name in HOSTILE if not re.fullmatch(r"[A-Za-z0-9_.-]+", name)])
def test_pgbouncers_databases_have_plain_names(name):
    assert database_key("a-b_c.d9") == "a-b_c.d9"
    with pytest.raises(InputError):
        database_key(name)


@pytest.mark.parametrize("text", ["a\nb", "\0", "a\u2028b"])
def test_pgbouncer_takes_no_control_characters(text):
    for escape in (connect_value, database_key):
        with pytest.raises(InputError):
            escape(text)


def test_pgbouncers_console_is_no_database():
    with pytest.raises(InputError, match="console"):
        database_key("pgbouncer")


@given(printable)
@settings(deadline=None)
def test_connection_strings_quote_what_would_end_a_value(text):
    value = connection_value(text)
    assert value == text or re.fullmatch(r'"((?:[^"]|"")*)"', value)[1].replace('""', '"') == text
    assert value[:1] == '"' or not set(value) & set(";\"'= ")


@pytest.mark.parametrize("domain", [*TEXTS, "a\nb", "\0", "%n $(id) {{ 1 }}"])
def test_a_hostile_domain_stays_a_text(source, fleet, domain):
    hostile = dataclasses.replace(fleet, services=fleet.services.with_columns(domain=pl.lit(domain)))
    evil = dataclasses.replace(source, fleet=hostile)
    for path, content in TARGETS["systemd"](evil):
        if path.endswith(".slice"):
            lines = content.decode().split("\n")
            assert [line.partition("=")[0] for line in lines] == [
                "[Unit]",
                "Description",
                "",
                "[Slice]",
                "CPUWeight",
                "",
            ]
    for path, content in TARGETS["ansible"](evil):
        if "host_vars" in path:
            for row in json.loads(content)["placement_services"]:
                assert row["domain"] == literal(domain)
