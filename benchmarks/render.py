"""Render a run as one self-contained page and as tables for the docs.

python benchmarks/render.py RESULTS.json -o PAGE.html [--tables TABLES.md] [--against STORED.json]
"""

import argparse
import base64
import html
import io
import json
from collections import Counter, defaultdict
from pathlib import Path
from statistics import mean, median

OURS = "cordlevelset"
YARDSTICK = "test_volume[scikit-image-0.8 mm cubes, 58 x 77 x 77 mm]"
"""Where no peer does the same work, times are divided by this one's: another library's in the same run, and on one
core, as a second one is not always free."""
SLOWER = 1.25
"""Ratio to the stored run above which a benchmark is called slower: two runs on a busy machine differ by up to 20 %."""
HIDDEN = {"name", "s", "least", "method", "x", "curve", "kind", "stage", "image", "region", "contrast", "spacing"} | {
    "canonical",
    "field",
    "length",
    "size",
    "thickness",
    "state",
    "problem",
}  # parameters, which stand in the row's label
CASE_FIGURES = ("dice", "hd95_mm", "border_mm", "bias_mm", "area_error", "coverage")
COLOURS = ("#d1495b", "#00798c", "#edae49", "#30638e", "#7a9e7e", "#8d6a9f")


# Reading ------------------------------------------------------------------------------------------------------------


def load(path):
    """Group -> its benchmarks, in the order they ran."""
    groups = defaultdict(list)
    for b in json.loads(Path(path).read_text(encoding="utf-8"))["benchmarks"]:
        params = {k: v for k, v in (b["params"] or {}).items() if isinstance(v, str | int | float)}
        info = b["extra_info"]
        groups[b["group"]].append(
            {**params, **info, "name": b["name"], "s": b["stats"]["median"], "least": b["stats"]["min"]}
        )
    return dict(groups)


def ratios(groups):
    """Benchmark -> our least time over the fastest peer's on the same work, or over the yardstick's.

    The least, as what else runs on a machine only adds to it.
    """
    everything = [row for rows in groups.values() for row in rows]
    yardstick = next((r["least"] for r in everything if r["name"] == YARDSTICK), None)
    out = {}
    for group, rows in groups.items():
        if group.startswith(("start", "real cases", "phantoms: accuracy")):
            continue
        for row in rows:
            if row.get("method", OURS) != OURS:
                continue
            same_work = [r for r in rows if r.get("method", OURS) != OURS and _work(r) == _work(row)]
            peer = min((r["least"] for r in same_work), default=yardstick)
            if peer:
                out[f"{group}: {row['name']}"] = row["least"] / peer
    return out


def _work(row):
    """What a row measures, whichever method: the name's parameters without the method."""
    return row["name"].replace(row.get("method", ""), "").replace("--", "-").replace("[-", "[").replace("-]", "]")


def regressions(groups, stored):
    """Rows (benchmark, ratio then, ratio now, change), worst first."""
    now, then = ratios(groups), ratios(stored)
    rows = [(name, then[name], now[name], now[name] / then[name]) for name in now.keys() & then.keys()]
    return sorted(rows, key=lambda row: -row[-1])


# Tables -------------------------------------------------------------------------------------------------------------


def seconds(s):
    return f"{1e6 * s:.3g} µs" if s < 1e-3 else f"{1e3 * s:.3g} ms" if s < 1 else f"{s:.2f} s"


def figure(value):
    return "–" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)


def label(row):
    """What a row is called in a table."""
    if "[" not in row["name"]:
        return row["name"].removeprefix("test_")
    inside = row["name"].split("[", 1)[1].rstrip("]")
    return row.get("kind") or (f"{row['stage']} ({row['image']})" if "stage" in row else inside)


def group_table(rows):
    """Header and rows of one group; where there are peers, their time over ours at the same work."""
    keys = dict.fromkeys(k for row in rows for k in row if k not in HIDDEN)
    ours = {_work(r): r["s"] for r in rows if r.get("method") == OURS}
    body = []
    for r in rows:
        beside = [figure(r["s"] / ours[_work(r)]) if _work(r) in ours else "–"] if ours else []
        body.append([label(r), seconds(r["s"]), *beside, *(figure(r.get(k)) for k in keys)])
    return ["", "time", *(["times ours"] if ours else []), *map(heading, keys)], body


def heading(key):
    """What a figure is called in a table: ``error_mm`` is "error, mm"."""
    for unit, text in (("_mm", ", mm"), ("_mb", ", MB"), ("_us", ", µs"), ("_ms", ", ms")):
        if key.endswith(unit):
            key = key.removesuffix(unit) + text
    return key.replace("_", " ")


def case_summary(rows):
    """One row a method: medians over the cases with a cord on which it gave a result, and failures."""
    header = ["method", *map(heading, CASE_FIGURES), "failures", "time"]
    body = []
    for method in dict.fromkeys(r["method"] for r in rows):
        mine = [r for r in rows if r["method"] == method]
        cells = []
        for k in CASE_FIGURES:
            values = [r[k] for r in mine if r.get(k) is not None]
            cells.append(f"{median(values):.2f}" if values else "–")
        whole = [r["s"] + (0 if method == OURS else r["centerline_s"]) for r in mine if not r["failure"]]
        bad = sum(failed(r) for r in mine)
        body.append([method, *cells, f"{bad} of {len(mine)}", seconds(median(whole)) if whole else "–"])
    return header, body


def failed(row):
    """No result where there is a cord, or less than half of it, or a result where there is none."""
    if row["expected"] != "cord":
        return not (row["failure"] or "").startswith("NoCordFoundError")
    overlap = row["dice"] if row.get("dice") is not None else 1.0
    return row["failure"] is not None or (row.get("coverage") or 0) < 0.5 or overlap < 0.5


def dice_table(rows):
    """Dice case by case (border error in mm where the reference is levels), a column a method."""
    methods = list(dict.fromkeys(r["method"] for r in rows))
    body = []
    for case in dict.fromkeys(r["case"] for r in rows):
        cells = []
        for m in methods:
            r = next((r for r in rows if r["case"] == case and r["method"] == m), None)
            if r is None:
                cells.append("–")
            elif r["expected"] != "cord":
                cells.append("WRONG" if failed(r) else "none, right")
            elif r.get("dice") is not None:
                cells.append(f"{r['dice']:.3f}")
            else:
                cells.append(f"{r['border_mm']:.2f} mm" if r.get("border_mm") is not None else "failed")
        body.append([case, *cells])
    return ["case", *methods], body


def curve_table(rows, curve, region):
    """Accuracy against one thing that degrades it."""
    keys = ("soft_dice", "area_error", "bias_mm", "coverage")
    body = []
    for x, points in curve_points(rows, curve, region):
        found = [p for p in points if not p["failure"]]
        body.append([figure(x), *(f"{mean(p[k] for p in found):.3f}" if found else "–" for k in keys)])
        body[-1].append(f"{len(points) - len(found)} of {len(points)}")
    return [curve, "soft Dice", "area error", "bias, mm", "coverage", "not found"], body


def curve_points(rows, curve, region):
    mine = [r for r in rows if r["curve"] == curve and r["region"] == region]
    return [(x, [r for r in mine if r["x"] == x]) for x in sorted({r["x"] for r in mine})]


def markdown(header, body):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in body)])


def html_table(header, body):
    cells = lambda row, tag: "".join(f"<{tag}>{html.escape(c)}</{tag}>" for c in row)  # noqa: E731
    rows = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in body)
    return f"<div class=table><table><tr>{cells(header, 'th')}</tr>{rows}</table></div>"


# Plots --------------------------------------------------------------------------------------------------------------


def picture(draw, columns=1, rows=1, height=3.2, width=4.2, share="none"):
    """Image element of a figure drawn by draw(axes)."""
    from matplotlib.figure import Figure

    page = Figure(figsize=(width * columns, height * rows), layout="constrained")
    axes = page.subplots(rows, columns, squeeze=False, sharey=share)
    for ax in axes.flat:
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(alpha=0.25)
    draw(axes)
    buffer = io.BytesIO()
    page.savefig(buffer, format="svg")
    return f'<img src="data:image/svg+xml;base64,{base64.b64encode(buffer.getvalue()).decode()}" alt="plot">'


def colour(method, names):
    return COLOURS[0] if method == OURS else COLOURS[1 + [n for n in names if n != OURS].index(method) % 5]


def time_against_error(groups):
    """One panel a kind of work: seconds across, error upwards; below and to the left is better."""
    with_error = {
        (group, _work(row)) for group, rows in groups.items() for row in rows if row.get("error_mm") and "method" in row
    }
    panels = sorted(with_error)
    names = list(dict.fromkeys(r["method"] for rows in groups.values() for r in rows if "method" in r))

    def draw(axes):
        for ax, (group, work) in zip(axes.flat, panels, strict=False):
            for row in groups[group]:
                if _work(row) == work and row.get("error_mm") is not None:
                    ax.scatter(
                        1e3 * row["s"],
                        row["error_mm"],
                        s=60,
                        color=colour(row["method"], names),
                        zorder=3,
                        clip_on=False,
                    )
                    ax.annotate(
                        row["method"], (1e3 * row["s"], row["error_mm"]), (6, 4), textcoords="offset points", fontsize=8
                    )
            detail = work.split("[")[1].rstrip("]") if "[" in work else ""
            ax.set_title("\n".join(filter(None, [*_wrapped(group), *_wrapped(detail)])), fontsize=8)
            ax.set(xscale="log", xlabel="time, ms", ylabel="error, mm")
            ax.set_ylim(bottom=0, top=1.25 * ax.get_ylim()[1])
            low, high = ax.get_xlim()
            ax.set_xlim(low / 1.5, high * 4)
            ax.xaxis.set_minor_formatter("")
        for ax in list(axes.flat)[len(panels) :]:
            ax.remove()

    return picture(draw, columns=2, rows=-(-len(panels) // 2)) if panels else ""


def _wrapped(text, width=48):
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def growth(groups):
    """Time against contour length, volume and cord length."""
    panels = [
        (rows, "contour_mm" if "contour_mm" in rows[0] else "x", rows[0].get("curve", "contour length, mm"))
        for group, rows in groups.items()
        if "growth" in group or "length of the contour" in group
    ]

    def draw(axes):
        for ax, (rows, key, name) in zip(axes.flat, panels, strict=True):
            ax.plot([r[key] for r in rows], [r["s"] for r in rows], "o-", color=COLOURS[0])
            ax.set(xlabel=name, ylabel="time, s", xlim=(0, None), ylim=(0, None))

    return picture(draw, columns=len(panels), height=2.8, width=3.4) if panels else ""


def accuracy(rows):
    """Dice, area error and bias against everything that degrades an image."""
    curves = list(dict.fromkeys(r["curve"] for r in rows))
    regions = list(dict.fromkeys(r["region"] for r in rows))
    figures = (("soft_dice", "soft Dice"), ("area_error", "area error, median"), ("bias_mm", "radial bias, mm"))

    def draw(axes):
        for line, (key, name) in zip(axes, figures, strict=True):
            for ax, curve in zip(line, curves, strict=True):
                for region, tone in zip(regions, COLOURS, strict=False):
                    points = [
                        (x, mean(p[key] for p in ps if not p["failure"]))
                        for x, ps in curve_points(rows, curve, region)
                        if any(not p["failure"] for p in ps)
                    ]
                    if points:
                        ax.plot(*zip(*points, strict=True), "o-", color=tone, label=region, markersize=4)
                ax.set(xlabel=curve, ylabel=name)
                if key == "bias_mm":
                    ax.axhline(0, color="black", linewidth=0.6)
        axes[0, 0].legend(fontsize=8)

    return picture(draw, columns=len(curves), rows=len(figures), height=2.5, width=3.3, share="row")


def case_plot(rows):
    """Dice of every method on every case with a reference mask."""
    scored = [r for r in rows if r["expected"] == "cord" and "dice" in r]
    cases = list(dict.fromkeys(r["case"] for r in scored))
    methods = list(dict.fromkeys(r["method"] for r in scored))

    def draw(axes):
        ax = axes[0, 0]
        for m in methods:
            mine = [r for r in scored if r["method"] == m]
            at = [cases.index(r["case"]) for r in mine]
            size = 60 if m == OURS else 25
            ax.scatter([r["dice"] for r in mine], at, s=size, color=colour(m, methods), label=m, zorder=3)
        ax.set_yticks(range(len(cases)), cases, fontsize=8)
        ax.invert_yaxis()
        ax.set(xlabel="Dice", xlim=(0, 1))
        ax.legend(fontsize=8, loc="lower left")

    return picture(draw, height=0.32 * len(cases) + 1, width=7.5) if scored else ""


# Page ---------------------------------------------------------------------------------------------------------------

STYLE = """
body{font:16px/1.5 system-ui,sans-serif;color:#222;max-width:1100px;margin:0 auto;padding:0 16px 48px}
h1{margin-bottom:0}h2{border-bottom:1px solid #ddd;margin-top:2.2em}h3{margin:1.4em 0 .3em;font-size:1em}
.table{overflow-x:auto}table{border-collapse:collapse;font-size:14px}td,th{padding:3px 10px;text-align:right;
border-bottom:1px solid #eee;white-space:nowrap}td:first-child,th:first-child{text-align:left}
img{max-width:100%;height:auto}.note{color:#555;font-size:14px}
"""


def sections(groups, stored):
    """(title, note, [(subtitle, header, body)], plots) for the page and the docs alike."""
    cases, curves = groups.get("real cases", []), groups.get("phantoms: accuracy", [])
    if stored:
        rows = [
            (n, f"{a:.3f}", f"{b:.3f}", f"{c:.2f}{' SLOWER' if c > SLOWER else ''}")
            for n, a, b, c in regressions(groups, stored)
        ]
        note = "Our time over a peer's in the same run, so that the machine does not count; change above 1 is slower."
        yield "Against the stored run", note, [("", ["benchmark", "then", "now", "change"], rows)], []
    if cases:
        tables = [("Medians over the cases", *case_summary(cases)), ("Case by case", *dice_table(cases))]
        about = {r["case"]: r["contrast"].upper() if r["expected"] == "cord" else "no cord" for r in cases}
        counts = ", ".join(f"{n} {kind}" for kind, n in sorted(Counter(about.values()).items()))
        note = (
            f"{len(about)} cases: {counts}. "
            "Failures: no result, under half of the cord, Dice under 0.5, or a cord where there is none. Times hold "
            "the detection of the centerline, from which all but external commands start. In the second table Dice, or "
            "the median border error where the reference is read off at levels."
        )
        yield "Methods on real cases", note, tables, [case_plot(cases)]
    if curves:
        pairs = [
            (c, r)
            for c in dict.fromkeys(r["curve"] for r in curves)
            for r in dict.fromkeys(r["region"] for r in curves)
        ]
        tables = [(f"{region}: {curve}", *curve_table(curves, curve, region)) for curve, region in pairs]
        note = (
            "Phantoms, T2, 1 mm pixels; cervical 1 mm thick, lumbar 4 mm; CNR 12 where not said; means over two seeds."
        )
        yield "Accuracy on phantoms", note, tables, [accuracy(curves)]
    peers = {g: rows for g, rows in groups.items() if any("method" in r for r in rows) and g != "real cases"}
    if peers:
        note = "Median time after one call to warm up; errors against closed forms. Below and to the left is better."
        yield (
            "Beside other libraries",
            note,
            [(g, *group_table(rows)) for g, rows in peers.items()],
            [time_against_error(peers)],
        )
    rest = {g: rows for g, rows in groups.items() if g not in {*peers, "real cases", "phantoms: accuracy"}}
    if rest:
        note = "Median times; memory is the most held at once beyond the image. New processes include import."
        yield "Time, memory, growth, start", note, [(g, *group_table(rows)) for g, rows in rest.items()], [growth(rest)]


def write_page(groups, machine, path, stored=None):
    """Write the whole run as one page."""
    parts = [f"<h1>cordlevelset benchmarks</h1><p class=note>{html.escape(machine)}</p>"]
    for title, note, tables, plots in sections(groups, stored):
        parts.append(f"<h2>{html.escape(title)}</h2><p class=note>{html.escape(note)}</p>")
        parts += [p for p in plots if p]
        parts += [f"<h3>{html.escape(name)}</h3>{html_table(header, body)}" for name, header, body in tables]
    head = f'<meta name=viewport content="width=device-width"><title>Benchmarks</title><style>{STYLE}</style>'
    page = f"<!doctype html><html lang=en><meta charset=utf-8>{head}<body>{''.join(parts)}</body></html>"
    Path(path).write_text(page, encoding="utf-8")


def write_tables(groups, machine, path):
    """Write the tables as a page of the docs."""
    parts = ["# How it compares", f"Printed by `python benchmarks/run.py`; {machine}. [How to run it](benchmarks.md)."]
    for title, note, tables, _ in sections(groups, None):
        parts += [f"## {title}", note]
        parts += [f"**{name}**\n\n{markdown(header, body)}" for name, header, body in tables]
    Path(path).write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def machine_of(path):
    """One line: processor, cores, Python, day."""
    run = json.loads(Path(path).read_text(encoding="utf-8"))
    info = run["machine_info"]
    cpu = info.get("cpu", {})
    name, cores = cpu.get("brand_raw", info["machine"]), cpu.get("count", "?")
    return f"{name}, {cores} cores, Python {info['python_version']}, {run['datetime'][:10]}"


def render(results, page, *, tables=None, against=None):
    """Render a run; the number of benchmarks that became slower than in the stored one."""
    groups, machine = load(results), machine_of(results)
    stored = load(against) if against else None
    write_page(groups, machine, page, stored)
    if tables:
        write_tables(groups, machine, tables)
    return sum(change > SLOWER for *_, change in regressions(groups, stored)) if stored else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("-o", "--page", type=Path, required=True)
    parser.add_argument("--tables", type=Path)
    parser.add_argument("--against", type=Path)
    a = parser.parse_args()
    print(render(a.results, a.page, tables=a.tables, against=a.against), "slower than in the stored run")


if __name__ == "__main__":
    main()
