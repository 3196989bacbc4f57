"""What no test notices: ``python benchmarks/mutate_constants.py --room io [--room notes ...]``.

Each number that a module of the package sets by hand is halved, then doubled, and some lines are turned into their
opposite, one at a time, in a copy of the repository; then the tests of its room are run until one fails, those of the
module itself first. A room is a folder of the package with the tests of the folder of that name, or a module beside the
folders with ``tests/test_MODULE.py``. ``mutations.toml`` has the lines, and the constants to pass over with the reason.
``--list`` lists without running, ``--name`` runs those that have a word in them. Seconds a mutation that is noticed,
two runs of a room's tests for a constant that is not; a constant of kernels compiles them anew.

``--own`` is quick (POSIX systems): it runs the tests of the module itself only, in forks of one process that has all
loaded, where the changed module takes the place of the old one in memory. What they notice is noticed; what they do
not, a test elsewhere may. Kernels, whose compiled code would not change with them, are left out.

Exit status 1 if fewer than four in five are noticed.
"""

import argparse
import ast
import contextlib
import importlib
import itertools
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
CHOSEN = tomllib.loads((Path(__file__).parent / "mutations.toml").read_text(encoding="utf-8"))
"""Reasons by constant, and lines to flip."""
LEAST_SHARE = 0.8
"""Share of mutations that must be noticed."""
TIME_LIMIT_S = 1800
"""Seconds for the tests of a room; a mutation that makes them take longer is noticed."""
FACTORS = {"halved": 0.5, "doubled": 2.0}
LEFT_BEHIND = (".git", ".venv", ".nox", ".*_cache", ".hypothesis", "_build")
"""What the tests do not need of a checkout; compiled kernels go with the package."""
TESTS_ELSEWHERE = {"napari": "hosts/test_napari.py"}
"""Tests of rooms that have no folder of their name."""
LOADED_ONCE = ["numba", "pytest", "scipy.ndimage", "scipy.special", "scipy.stats", "SimpleITK"]
"""Modules that are imported once for all runs."""


class Mutation(NamedTuple):
    """A module with one thing changed."""

    module: str  # dotted, without the package's own name
    what: str
    text: str  # of the whole module


class Constant(NamedTuple):
    """A number, or a tuple of numbers, that a module sets by hand."""

    module: str  # dotted, without the package's own name
    name: str
    node: ast.expr  # its value

    @property
    def full(self) -> str:
        """With its module."""
        return f"{self.module}.{self.name}"

    @property
    def value(self) -> object:
        """The number; nothing but numbers is evaluated."""
        return eval(compile(ast.Expression(self.node), self.full, "eval"))


def is_number(node: ast.expr) -> bool:
    """Whether an expression is made of numbers alone: -2, 1 / 3, (0.5, 2)."""
    match node:
        case ast.Constant(value=value):
            return isinstance(value, int | float) and not isinstance(value, bool)
        case ast.UnaryOp(operand=operand):
            return is_number(operand)
        case ast.BinOp(left=left, right=right):
            return is_number(left) and is_number(right)
        case ast.Tuple(elts=elements):
            return bool(elements) and all(map(is_number, elements))
    return False


def constants(module: str, text: str) -> Iterator[Constant]:
    """Those of a module; what is computed from others changes with them."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            target, value = node.target, node.value
        else:
            continue
        several = isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
        for name, number in zip(target.elts, value.elts, strict=True) if several else [(target, value)]:
            if isinstance(name, ast.Name) and name.id.isupper() and is_number(number):
                yield Constant(module, name.id, number)


def scaled(value: object, factor: float) -> object:
    """A number times a factor, a whole number staying one."""
    if isinstance(value, tuple):
        return tuple(scaled(v, factor) for v in value)
    return int(value * factor) if isinstance(value, int) else value * factor


def mutated(text: str, constant: Constant, factor: float) -> str:
    """A module's text with another number, on the same lines."""
    node, lines = constant.node, text.encode().splitlines(keepends=True)
    first, last = node.lineno - 1, node.end_lineno - 1
    before, after = lines[first][: node.col_offset], lines[last][node.end_col_offset :]
    number = repr(scaled(constant.value, factor)).encode()
    return b"".join([*lines[:first], before, number, after, *lines[last + 1 :]]).decode()


def tests_of(module: str, root: Path, *, own: bool) -> list[Path]:
    """Test files of a module's room, its own first; its own only, if it has such and no others are wanted."""
    room, _, name = module.rpartition(".")
    if room in TESTS_ELSEWHERE:
        return [root / "tests" / TESTS_ELSEWHERE[room]]
    mine = root / "tests" / CHOSEN["tests"].get(module, Path(room) / f"test_{name}.py")
    if not room:
        return [mine if mine.exists() else root / "tests" / "test_pipeline.py"]
    others = sorted(path for path in (root / "tests" / room).glob("test_*.py") if path != mine)
    if not mine.exists():
        return others
    return [mine] if own else [mine, *others]


def silenced() -> None:
    """Nothing more is printed by this process."""
    with open(os.devnull, "w") as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)


def status_of(files: list[Path]) -> int:
    """Of pytest on some files, until a test fails: those of the module itself first, the others only if they pass."""
    import pytest

    first, *rest = map(str, files)
    options = ["-q", "-x", "-p", "no:cacheprovider"]
    return int(pytest.main([*options, first]) or (pytest.main([*options, *rest]) if rest else 0))


def run_tests(files: list[Path], root: Path) -> None:
    """Run tests of a checkout in silence, and end this process with pytest's status."""
    os.chdir(root)
    os.environ["PYTHONPATH"] = str(root)  # of processes that tests start
    sys.path.insert(0, str(root))
    silenced()
    os._exit(status_of(files))


def run_here(files: list[Path], mutation: Mutation) -> bool:
    """Whether a test fails in a fork of this process, with a module changed in memory."""
    child = os.fork()
    if not child:
        silenced()
        signal.alarm(TIME_LIMIT_S)
        put_in_place(mutation)
        os._exit(status_of(files))
    return os.waitpid(child, 0)[1] != 0


def put_in_place(mutation: Mutation) -> None:
    """Run the changed text as the module; who has imported something from it gets the new."""
    module = importlib.import_module(f"cordlevelset.{mutation.module}")
    before = dict(vars(module))
    exec(compile(mutation.text, str(module.__file__), "exec"), vars(module))
    changed = {name: new for name, new in vars(module).items() if before.get(name, new) is not new}
    for other in list(sys.modules.values()):
        names = getattr(other, "__dict__", {})
        for name, new in changed.items():
            if names.get(name) is before[name]:
                names[name] = new


def noticed(files: list[Path], root: Path) -> bool:
    """Whether one of the tests fails."""
    context = multiprocessing.get_context("spawn" if sys.platform == "win32" else "forkserver")
    if sys.platform != "win32":
        context.set_forkserver_preload(LOADED_ONCE)
    run = context.Process(target=run_tests, args=(files, root))
    run.start()
    run.join(TIME_LIMIT_S)
    if run.is_alive():
        run.kill()
        return True
    return run.exitcode != 0


def path_of(module: str, root: Path) -> Path:
    """File of a module in a checkout."""
    return root / "cordlevelset" / Path(*module.split(".")).with_suffix(".py")


def survives(mutation: Mutation, files: list[Path], root: Path) -> bool:
    """Whether none of the tests notices."""
    path = path_of(mutation.module, root)
    compiled, kept = path.parent / "__pycache__", root / "compiled"
    text, stat = path.read_text(encoding="utf-8"), path.stat()
    compiled.mkdir(exist_ok=True)
    shutil.copytree(compiled, kept)
    path.write_text(mutation.text, encoding="utf-8")
    survived = not noticed(files, root)
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # compiled kernels are valid for this time only
    shutil.rmtree(compiled)
    kept.rename(compiled)
    return survived


def mutations(module: str) -> Iterator[Mutation]:
    """All of a module: its constants, then its lines."""
    text = path_of(module, ROOT).read_text(encoding="utf-8")
    for constant in constants(module, text):
        for word, factor in FACTORS.items():
            if constant.full not in CHOSEN["exempt"] and scaled(constant.value, factor) != constant.value:
                yield Mutation(module, f"{constant.name} = {constant.value} {word}", mutated(text, constant, factor))
    for flip in CHOSEN["flip"]:
        if flip["module"] == module:
            if text.count(flip["line"]) != 1:
                sys.exit(f"mutations.toml: {module} has no single line {flip['line']!r}; write it as it is now")
            yield Mutation(module, f"{flip['line']} -> {flip['becomes']}", text.replace(flip["line"], flip["becomes"]))


def room_of(module: str) -> str:
    """The folder of a module; ground for those beside the folders."""
    return module.rpartition(".")[0] or "ground"


def modules(rooms: list[str]) -> Iterator[str]:
    """Modules of some rooms, of all if none is named."""
    for path in sorted((ROOT / "cordlevelset").rglob("*.py")):
        parts = path.relative_to(ROOT / "cordlevelset").with_suffix("").parts
        if not rooms or parts[0] in rooms:
            yield ".".join(parts)


def in_a_copy(todo: list[Mutation]) -> Iterator[tuple[Mutation, bool]]:
    """Each mutation, and whether no test of its room notices it in a copy of the repository."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "copy"
        shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
        files = {m.module: tests_of(m.module, root, own=False) for m in todo}
        for module in {frozenset(paths): module for module, paths in files.items()}.values():
            if noticed(files[module], root):
                sys.exit(f"the tests of the room of {module} fail as it is; correct that first")
        for mutation in todo:
            yield mutation, survives(mutation, files[mutation.module], root)


def in_memory(todo: list[Mutation]) -> Iterator[tuple[Mutation, bool]]:
    """Each mutation, and whether no test of its own module notices it; those of kernels are left out."""
    import pytest

    os.chdir(ROOT)
    for module, group in itertools.groupby(todo, lambda m: m.module):
        files = tests_of(module, ROOT, own=True)
        if module.endswith("_kernels"):
            continue
        with open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing), contextlib.redirect_stderr(nothing):
            failed = pytest.main(["-q", "-x", "-p", "no:cacheprovider", *map(str, files)])  # what it loads, forks have
        if failed:
            sys.exit(f"the tests of {module} fail as it is; correct that first")
        for mutation in group:
            yield mutation, not run_here(files, mutation)


def main() -> int:
    """Run the check on the rooms asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--room", action="append", default=[], help="a folder, or a module beside the folders; repeat")
    parser.add_argument("--name", default="", metavar="WORD", help="only what has this in it")
    parser.add_argument("--own", action="store_true", help="only the module's own tests, where it has such")
    parser.add_argument("--list", action="store_true", help="print what would be changed, and end")
    args = parser.parse_args()
    counts: Counter[str] = Counter()
    alive: Counter[str] = Counter()
    todo = [m for module in modules(args.room) for m in mutations(module) if args.name in f"{m.module}: {m.what}"]
    if args.list:
        print("\n".join(f"{m.module}: {m.what}" for m in todo))
        return 0
    for mutation, survived in in_memory(todo) if args.own else in_a_copy(todo):
        counts[room_of(mutation.module)] += 1
        alive[room_of(mutation.module)] += survived
        print(f"{mutation.module}: {mutation.what}: {'NOT NOTICED' if survived else 'noticed'}", flush=True)
    for room, n in counts.items():
        print(f"{room}: {n - alive[room]} of {n} noticed")
    print(f"all: {counts.total() - alive.total()} of {counts.total()} noticed")
    for name, reason in CHOSEN["exempt"].items():
        if any(name.startswith(f"{module}.") for module in modules(args.room)):
            print(f"passed over: {name}: {reason}")
    return 0 if alive.total() <= (1 - LEAST_SHARE) * counts.total() else 1


if __name__ == "__main__":
    sys.exit(main())
