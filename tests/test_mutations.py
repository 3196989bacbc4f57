"""The mutation check itself: which numbers it finds, and what it writes in their place."""

import mutate_constants as check
import pytest

TEXT = '''"""A module."""
A_MM = 2.5
"""Its reason."""
DONE, FAILED = 0, 3
NEXT: int = 7  # ü
PAIR = (
    1,
    -0.5,
)
THIRD = 1 / 4
DERIVED = 2 * A_MM
NAME = "x"
FLAG = True
small = 3
'''


def test_numbers_set_by_hand():
    found = {c.name: c.value for c in check.constants("m", TEXT)}
    assert found == {"A_MM": 2.5, "DONE": 0, "FAILED": 3, "NEXT": 7, "PAIR": (1, -0.5), "THIRD": 0.25}


@pytest.mark.parametrize(
    ("name", "factor", "new"),
    [
        ("A_MM", 0.5, {"A_MM": 1.25, "DERIVED": 2.5}),
        ("FAILED", 2.0, {"FAILED": 6}),
        ("NEXT", 0.5, {"NEXT": 3}),
        ("PAIR", 2.0, {"PAIR": (2, -1.0)}),
        ("THIRD", 2.0, {"THIRD": 0.5}),
    ],
)
def test_one_number_changes_and_nothing_else(name, factor, new):
    (constant,) = (c for c in check.constants("m", TEXT) if c.name == name)
    before, after = {}, {}
    exec(TEXT, before)
    exec(check.mutated(TEXT, constant, factor), after)
    assert {k: v for k, v in after.items() if k != "__builtins__" and before[k] != v} == new


def test_the_lines_to_flip_are_there():
    for flip in check.CHOSEN["flip"]:
        text = check.path_of(flip["module"], check.ROOT).read_text(encoding="utf-8")
        assert text.count(flip["line"]) == 1, f"write {flip} in mutations.toml as the line is now"


def test_what_is_passed_over_is_there_and_has_a_reason():
    modules = {name.rpartition(".")[0] for name in check.CHOSEN["exempt"]}
    there = {
        c.full for m in modules for c in check.constants(m, check.path_of(m, check.ROOT).read_text(encoding="utf-8"))
    }
    assert set(check.CHOSEN["exempt"]) <= there
    assert all(len(reason) > 20 for reason in check.CHOSEN["exempt"].values())


def test_the_tests_of_a_module_come_first():
    first, *rest = check.tests_of("io.files", check.ROOT, own=False)
    assert first.name == "test_files.py"
    assert {path.parent.name for path in rest} == {"io"}
    assert [path.name for path in check.tests_of("notes", check.ROOT, own=False)] == ["test_notes.py"]


def test_own_tests_are_found_by_the_module_s_name_or_as_written_down():
    assert [p.name for p in check.tests_of("detection.windows", check.ROOT, own=True)] == ["test_windows.py"]
    assert [p.name for p in check.tests_of("levels.anatomy", check.ROOT, own=True)] == ["test_naming.py"]
    assert [p.parent.name for p in check.tests_of("outputs.by_level", check.ROOT, own=True)] == ["levels"]
    assert len(check.tests_of("border._kernels", check.ROOT, own=True)) > 1
