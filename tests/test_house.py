"""The rules of the house, checked: light import, strata, docstrings that name what the signature names."""

import ast
import importlib
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import cordlevelset as cls

PACKAGE = Path(cls.__file__).parent
PATHS = {
    ".".join(p.relative_to(PACKAGE).with_suffix("").parts): p
    for p in sorted(PACKAGE.rglob("*.py"))
    if "napari" not in p.parts
}
MODULES = list(PATHS)
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in PATHS.items()}
ALL = TREES | {
    f"napari.{path.stem}": ast.parse(path.read_text(encoding="utf-8")) for path in (PACKAGE / "napari").glob("*.py")
}
KERNEL_FILES = [name for name in MODULES if name.rpartition(".")[2] in ("_kernels", "_polygon")]
PLUGINS = sorted([*(PACKAGE / "napari").glob("*.py"), *(PACKAGE.parent / "SlicerCordLevelSet").rglob("*.py")])

ROOMS = (
    "ground", "levelset", "sections", "detection", "border", "io", "phantom", "measures", "levels", "correction", "top",
    "outputs", "app",
)  # fmt: skip
"""Folders from the ground up; "ground" and "top" are the files beside them."""
GROUND = {"_jit", "brief", "curve", "errors", "forms", "missing", "notes", "parallel", "progress", "volume"}
TOP = {"automatic", "pipeline", "result", "vertebral"}
UPWARDS = {
    ("volume", "io.images"),  # Volume.from_sitk and to_sitk
    ("result", "outputs.page"),  # what notebooks show of a result
}
"""Lazy imports, within a function, that go up: from, to."""
OUTSIDERS = {
    "SimpleITK": {"io.images", "correction.atlas"},
    "pydicom": {"io.dicomfiles", "io.dicom", "io.dicomseg"},
    "highdicom": {"io.dicomseg"},
    "matplotlib": {"outputs.plot", "outputs.report"},
    "PIL": {"outputs.pictures"},
    "vtkmodules": {"measures.surface"},
    "numba": {"_jit", "parallel"},
}


def room(name):
    """Room of a module of the package, by its dotted name; None for the face of the package itself."""
    if name in GROUND | TOP:
        return "ground" if name in GROUND else "top"
    return {"__init__": None, "__main__": "app"}.get(name, name.partition(".")[0])


def test_import_is_light():
    heavy = ["numpy", "numba", "scipy", "skimage", "SimpleITK", "matplotlib", "pydicom", "highdicom"]
    code = f"import sys, cordlevelset; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_help_is_light():
    code = "import sys; from cordlevelset.app.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    code += "print([m for m in ('numba', 'SimpleITK', 'matplotlib', 'pydicom', 'highdicom') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("\n[]\n")


def test_public_names_are_there_whatever_was_imported():
    for name in MODULES:
        if not name.endswith("__init__"):
            importlib.import_module(f"cordlevelset.{name}")
    assert sorted(cls.__all__) == list(cls.__all__)
    for name in cls.__all__:
        value = getattr(cls, name)
        assert callable(value), f"{name} is {value}: a module of that name hides it"
    assert set(cls.__all__) <= set(dir(cls))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        cls.nothing  # noqa: B018


def _imports(tree, *, nested):
    nodes = ast.walk(tree) if nested else tree.body
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module == "cordlevelset":
                yield from (f"cordlevelset.{alias.name}" for alias in node.names)


def _ours(name, *, nested):
    """Modules of the package that a module imports, dotted, without the package's own name."""
    full = {
        m.removeprefix("cordlevelset.") for m in _imports(TREES[name], nested=nested) if m.startswith("cordlevelset.")
    }
    return {m for m in full if m in PATHS} | {f"{m}.__init__" for m in full if f"{m}.__init__" in PATHS}


def test_every_module_has_a_room():
    assert {room(name) for name in MODULES} == {*ROOMS, None}


@pytest.mark.parametrize("name", [m for m in MODULES if room(m)])
def test_imports_go_downwards(name):
    for nested in (False, True):
        for other in _ours(name, nested=nested):
            downwards = ROOMS.index(room(other)) <= ROOMS.index(room(name))
            assert downwards or (nested and (name, other) in UPWARDS), f"{name} imports {other}"


@pytest.mark.parametrize("name", MODULES)
def test_heavy_packages_are_imported_in_few_places(name):
    for outsider, allowed in OUTSIDERS.items():
        used = any(m.split(".")[0] == outsider for m in _imports(TREES[name], nested=True))
        assert not used or name in allowed, f"{name} imports {outsider}"
    top = {m.split(".")[0] for m in _imports(TREES[name], nested=False)}
    assert not top & (OUTSIDERS.keys() - {"numba"}), "imported when first used, not with the module"


@pytest.mark.parametrize("name", KERNEL_FILES)
def test_kernels_know_their_own_file_only(name):
    """Numba's cache on disk does not see a change of a callee, or of a constant, in another file."""
    assert set(_ours(name, nested=True)) <= {"_jit"}


def test_no_folder_bears_a_public_name():
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir()} | {name.rpartition(".")[2] for name in MODULES}
    assert not folders & set(cls.__all__)


@pytest.mark.parametrize("path", PLUGINS, ids=lambda path: path.name)
def test_plugins_use_the_public_face_only(path):
    used = {m for m in _imports(ast.parse(path.read_text(encoding="utf-8")), nested=True) if "cordlevelset" in m}
    assert used <= {"cordlevelset", "cordlevelset.phantom"} | {m for m in used if m.startswith("cordlevelset.napari.")}


def _sections(docstring):
    """Section -> names, of a numpydoc docstring."""
    sections, current = {}, None
    lines = docstring.splitlines()
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if line.strip() and after.strip() and set(after.strip()) == {"-"}:
            current = sections.setdefault(line.strip(), [])
        elif current is not None and line and not line[0].isspace() and set(line) != {"-"}:
            current += [n.strip().lstrip("*") for n in line.split(" : ")[0].split(",")]
    return sections


def _public():
    for name in MODULES:
        if name in KERNEL_FILES or name.endswith("__init__"):
            continue
        exported = next(
            (
                ast.literal_eval(n.value)
                for n in TREES[name].body
                if isinstance(n, ast.Assign) and n.targets[0].id == "__all__"
            ),
            (),
        )
        for node in TREES[name].body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in exported:
                yield pytest.param(node, id=f"{name}.{node.name}")


@pytest.mark.parametrize("node", list(_public()))
def test_docstrings_name_what_the_signature_names(node):
    docstring = ast.get_docstring(node)
    assert docstring
    sections = _sections(docstring)
    if not sections and node.name not in cls.__all__:
        return  # one line will do for what only our own modules call
    if isinstance(node, ast.FunctionDef):
        a = node.args
        names = [p.arg for p in (*a.posonlyargs, *a.args, *a.kwonlyargs)]
        assert sections.get("Parameters", []) == names
        returns = not (isinstance(node.returns, ast.Constant) and node.returns.value is None)
        assert ("Returns" in sections or "Yields" in sections) == returns
        return
    fields = [n.target.id for n in node.body if isinstance(n, ast.AnnAssign)]
    named = sections.get("Parameters", []) + sections.get("Attributes", [])
    if named:
        assert named == fields or not fields


def _constants(tree):
    """Names of each module-level assignment to UPPER_CASE, and the string that follows it, or None."""
    for node, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            flat = [e for t in targets for e in (t.elts if isinstance(t, ast.Tuple) else [t])]
            names = [e.id for e in flat if isinstance(e, ast.Name) and re.fullmatch("_?[A-Z][A-Z0-9_]*", e.id)]
            is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            if names:
                yield names, after.value.value if is_text else None


@pytest.mark.parametrize("name", [m for m in ALL if m not in KERNEL_FILES])
def test_every_constant_has_a_docstring_of_its_own(name):
    for names, docstring in _constants(ALL[name]):
        assert isinstance(docstring, str), f"{names}: nothing says what it is"
        assert len(names) == 1, f"{names} share one docstring"


def test_the_name_of_a_constant_means_one_thing():
    homes = {}
    for module, tree in ALL.items():
        for names, _ in _constants(tree):
            for constant in names:
                homes.setdefault(constant, set()).add(module)
    assert {constant: where for constant, where in homes.items() if len(where) > 1} == {}


def _sentences(docstring):
    """Sentences of the prose: no headings, formulas, examples or pages."""
    for paragraph in re.split(r"\n\s*\n|\n(?=\s*- )|\n(?=.*\n-{3,}\n)", inspect.cleandoc(docstring)):
        lines = [line for line in paragraph.splitlines() if not re.match(r"\s*(>>>|\.\.\.|\.\. |-{3,}|<)", line)]
        yield from re.split(r"(?<=[.!?:])\s+", " ".join(" ".join(lines).split()))


@pytest.mark.parametrize("name", list(ALL))
def test_no_sentence_must_be_read_twice(name):
    texts = (
        n.value.value for n in ast.walk(ALL[name]) if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)
    )
    for text in texts:
        for sentence in _sentences(text) if isinstance(text, str) else ():
            assert len(sentence.split()) <= 40, sentence


@pytest.mark.parametrize("name", MODULES)
def test_no_print_outside_the_command_line(name):
    calls = {n.func.id for n in ast.walk(TREES[name]) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    assert name == "app.cli" or "print" not in calls


@pytest.mark.parametrize("folder", ["benchmarks", "cordlevelset", "docs", "tests", "SlicerCordLevelSet"])
def test_a_text_file_names_its_encoding(folder):
    """Elsewhere the machine's own is taken: ASCII in a bare container, a code page on Windows."""
    for path in (PACKAGE.parent / folder).rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "attr", "") in {"read_text", "write_text"}:
                assert any(k.arg == "encoding" for k in call.keywords), f"{path.name}:{call.lineno}"


@pytest.mark.parametrize("name", MODULES)
def test_files_and_functions_stay_short(name):
    source = PATHS[name].read_text(encoding="utf-8")
    assert name == "levelset._kernels" or len(source.splitlines()) <= 400  # what calls each other stands in one file
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.FunctionDef) and name not in KERNEL_FILES:
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert length <= 60, f"{node.name} has {length} lines"


def test_warmup_compiles_every_kernel_that_segment_calls_for_one_kind_of_array():
    called = {
        n.attr
        for tree in TREES.values()
        for n in ast.walk(tree)
        if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id in ("_kernels", "_polygon")
    }
    code = "import importlib, json, cordlevelset as c; c.warmup()\n"
    code += f"files = [importlib.import_module('cordlevelset.' + n) for n in {KERNEL_FILES}]\n"
    code += "of = {n: len(k.signatures) for m in files for n, k in vars(m).items() if hasattr(k, 'signatures')}\n"
    code += "print(json.dumps(of))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    compiled = json.loads(done.stdout)
    entries = called & compiled.keys()
    assert len(entries) > 5
    on_request = {"to_distances"}  # of the engine on its own: `segment` needs none
    assert {name: compiled[name] for name in entries if compiled[name] != int(name not in on_request)} == {}
