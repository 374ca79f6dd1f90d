"""Manual, code and contract tell the same: operations, parameters, settings, links."""

import re
from collections.abc import Iterator

import pytest

from openmpu.config import Config
from openmpu.wire.rpc.actions import OPERATIONS
from openmpu.wire.rpc.requests.mpu import TASK_PROFILES
from openmpu.wire.rpc.rows import Row
from tests.manual import (
    DOCS,
    SPEC,
    Told,
    headings,
    links,
    literals,
    page,
    pages,
    parameters,
    section,
    slug,
    table,
)
from tests.manual_requests import held, known, request_of

API = page("api.md")

# Operations


def told_operations() -> list[str]:
    """The headings below `Operations: …`."""
    found, inside = [], False
    for level, title in headings(API):
        inside = title.startswith("Operations: ") if level == 2 else inside
        if level == 3 and inside:
            found.append(title)
    return found


def not_built() -> set[str]:
    rows = table(section(API, "Not built"), "Operation", "What it does at the vendor", "Instead")
    return {name for row in rows for name in literals(row[0])}


def test_every_operation_of_the_code_is_a_heading_of_the_manual_and_the_other_way_round():
    """Each once."""
    assert sorted(told_operations()) == sorted(OPERATIONS)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_tells_the_versions_under_which_it_exists(name):
    """In its first line."""
    first = section(API, name).strip().splitlines()[0]

    assert set(re.findall(r"\d{4}-\d\d-\d\d", first)) == set(OPERATIONS[name].rates)


def test_no_operation_is_both_built_and_not():
    """The table of what is missing misses nothing that is there."""
    assert not not_built() & set(OPERATIONS)


def contract_operations() -> Iterator[str]:
    """The index of the contract; `Create/Update/DeleteMPURule` is three names."""
    index = (SPEC / "operations.md").read_text(encoding="utf-8").split("### 0.3 ")[1].split("\n## ")[0]
    for line in index.splitlines():
        cells = line.strip("| ").split(" | ")
        if len(cells) == 6 and cells[0] != "Operation":
            for entry in re.split(r", | / ", cells[0]):
                *verbs, last = entry.split("/")
                noun = re.sub(r"^(Create|Update|Describe|Delete|Enable|Disable)", "", last)
                yield from (*(verb + noun for verb in verbs), last)


def test_every_operation_of_the_contract_is_built_or_told_to_be_missing():
    """And nothing is told that the contract does not know."""
    if not SPEC.is_dir():
        pytest.skip("the contract lies beside the checkout of a developer only")
    known = set(contract_operations())

    assert len(known) > 60
    assert known == set(OPERATIONS) | not_built()


# Parameters


def linked(text: str) -> str:
    """The sections of the same page to which a text links."""
    anchors = {link.removeprefix("#") for link in links(text) if link.startswith("#")}
    return "\n\n".join(section(API, title) for _, title in headings(API) if slug(title) in anchors)


def told_of(name: str) -> tuple[dict[str, Told], dict[str, Told]]:
    """What stands in an operation's own section, and with that what it refers to."""
    text = section(API, name)
    own = parameters(text)
    return own, parameters(linked(text)) | own


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_parameter_that_an_operation_reads_is_in_its_section(name):
    """Top-level names in its own tables, those inside objects there or in a table to which it refers."""
    own, all_told = told_of(name)
    for parameter, _ in known(request_of(name)):
        told = all_told if "." in parameter else own
        assert any(f"{other}.".startswith(f"{parameter}.") for other in told), parameter


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_tells_no_parameter_that_it_does_not_read(name):
    """A row too many is a promise that nobody keeps."""
    own, _ = told_of(name)

    assert set(own) <= {parameter for parameter, _ in known(request_of(name))}


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_manual_tells_what_is_required(name):
    """`required` for always, `required if …` or `required unless …` for sometimes, nothing of it else."""
    _, told = told_of(name)
    for parameter, info in known(request_of(name)):
        if parameter in told:
            word = told[parameter].default.partition(" ")
            wanted = ("required", callable(info.required)) if info.required else ("", False)
            assert (word[0] if word[0] == "required" else "", word[2].startswith(("if ", "unless "))) == wanted, (
                parameter
            )


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_manual_tells_the_range_of_every_parameter(name):
    """The least, the most and the words that a reader was made with stand in the column, or it refers to another."""
    _, told = told_of(name)
    for parameter, info in known(request_of(name)):
        if parameter in told and not told[parameter].range.startswith("as in "):
            assert _limits(info) <= set(re.findall(r"[\w.]+", told[parameter].range)), parameter


def _limits(info: Row) -> set[str]:
    made_with = list(held(info.read))
    numbers = (value for name, value in made_with if name in {"least", "most"} and abs(value) < 2**62)
    words = (word for name, value in made_with if name == "allowed" and value != TASK_PROFILES for word in value)
    return {f"{number:g}" if isinstance(number, float) else str(number) for number in numbers} | set(words)


def test_every_task_profile_is_told():
    """In a section of their own: they are too many for a column."""
    first = section(API, "TaskProfile").strip().splitlines()[0]

    assert literals(first) == list(TASK_PROFILES)


# Settings and links


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.name)
def test_every_setting_that_a_page_mentions_exists(path):
    """`section.name` in backticks."""
    sections = {
        name: field.annotation.model_fields for name, field in Config.model_fields.items() if name != "accounts"
    }
    mentioned = re.findall(rf"`({'|'.join(sections)})\.([a-z_]+)\b(?!\()", path.read_text(encoding="utf-8"))

    assert [f"{name}.{key}" for name, key in mentioned if key not in sections[name]] == []


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.name)
def test_every_relative_link_leads_somewhere(path):
    """To a file, and to a heading in it."""
    text = path.read_text(encoding="utf-8")
    for link in links(text):
        if "://" not in link:
            name, _, anchor = link.partition("#")
            target = (path.parent / name) if name else path
            assert target.exists(), link
            if anchor:
                titles = headings(target.read_text(encoding="utf-8"))
                assert anchor in {slug(title) for _, title in titles}, link


def test_every_page_is_linked_from_the_index():
    """Nothing of the manual is hidden."""
    linked_pages = {link.partition("#")[0] for link in links(page("index.md"))}

    assert {path.name for path in DOCS.glob("*.md")} - {"index.md"} == linked_pages
