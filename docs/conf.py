"""``sphinx-build -W --keep-going docs docs/_build``: needs no network, nor do its pages, whose formulas are MathML."""

import ast
import os
import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator
from sphinx_gallery.sorting import ExplicitOrder

import cordlevelset
from cordlevelset.app.cli import _parser

project = "cordlevelset"
copyright = "The cordlevelset contributors"
release = version = cordlevelset.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_generated", "examples", "gallery/*.ipynb", "**/GALLERY_HEADER.rst"]
templates_path = ["_templates"]

myst_enable_extensions = ["dollarmath", "deflist", "colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # a test runs the notebook; the outputs are in the file

default_role = "py:obj"  # `name` in a docstring: a link where there is such a name
autosummary_generate = True
shutil.rmtree(Path(__file__).parent / "api", ignore_errors=True)  # pages of names that are gone
autodoc_typehints = "none"  # the docstrings say types, shapes and units
napoleon_google_docstring = False
napoleon_use_ivar = True

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "filename_pattern": "/plot_",
    "within_subsection_order": ExplicitOrder(
        [
            "plot_lumbar.py",
            "plot_contrasts.py",
            "plot_correction.py",
            "plot_steps.py",
            "*",
            "plot_accuracy.py",
            "plot_limits.py",
            "plot_engine.py",
        ]
    ),
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 1e6,  # no time stands on a page: it would be this machine's
    "write_computation_times": False,
    "remove_config_comments": True,
    "image_scrapers": ("matplotlib",),
    "reset_modules": ("matplotlib",),
}

html_theme = "furo"
html_title = "cordlevelset"
html_static_path = ["_static"]
html_css_files = ["wide.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sphinx = False


def inline_math(self: HTML5Translator, node: nodes.math) -> None:
    """Formula in a line."""
    self.body.append(tex2mathml(node.astext(), as_block=False))
    raise nodes.SkipNode


def block_math(self: HTML5Translator, node: nodes.math_block) -> None:
    """Formula on lines of its own."""
    self.body.append(f'<div class="math">{tex2mathml(node.astext(), as_block=True)}</div>')
    raise nodes.SkipNode


def write_help(app: Sphinx) -> None:
    """The help of every sub-command, as text for the page on the command line."""
    os.environ["COLUMNS"] = "80"
    commands = next(action for action in _parser()._actions if isinstance(action.choices, dict)).choices
    parts = [f"### {name}\n\n```text\n{parser.format_help()}```\n" for name, parser in commands.items()]
    (generated(app) / "help.md").write_text("\n".join(parts), encoding="utf-8")


def write_modules(app: Sphinx) -> None:
    """A table of the modules, by the first line of each."""
    rows = ["| module | what it is |", "|---|---|"]
    for path in sorted(Path(cordlevelset.__file__).parent.rglob("*.py")):
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        name = path.relative_to(Path(cordlevelset.__file__).parent).with_suffix("")
        if name.name != "__init__":
            rows.append(f"| `{'.'.join(name.parts)}` | {docstring.partition(chr(10))[0]} |")
    (generated(app) / "modules.md").write_text("\n".join(rows) + "\n", encoding="utf-8")


def generated(app: Sphinx) -> Path:
    """Folder of what is written for other pages to include."""
    folder = Path(app.srcdir) / "_generated"
    folder.mkdir(exist_ok=True)
    return folder


def keep_bars(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """|x| in a docstring is an absolute value, not a substitution."""
    lines[:] = [line if line.lstrip().startswith((">>>", "...")) else line.replace("|", r"\|") for line in lines]


def value_role(*args: Any) -> tuple[list[nodes.Node], list[nodes.Node]]:
    """{value}`module.NAME`: a constant as the code has it."""
    module, _, name = args[2].rpartition(".")
    return [nodes.Text(f"{getattr(import_module(f'cordlevelset.{module}'), name):g}")], []


def setup(app: Sphinx) -> None:
    """Register the above."""
    app.add_html_math_renderer("mathml", inline_renderers=(inline_math, None), block_renderers=(block_math, None))
    app.add_role("value", value_role)
    app.connect("builder-inited", write_help)
    app.connect("builder-inited", write_modules)
    app.connect("autodoc-process-docstring", keep_bars)
