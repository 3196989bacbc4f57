"""Run the benchmarks and render them: results.json and index.html in the output folder.

python benchmarks/run.py -o OUT                                     phantoms and peers, under 20 minutes on two cores
python benchmarks/run.py -o OUT --data CASES                        real cases too
python benchmarks/run.py -o OUT --data CASES --method propseg='sct_propseg -i {image} -c t2 -o {out}'
python benchmarks/run.py -o OUT --against STORED.json               exit status 1 if slower beside the same peers
python benchmarks/run.py -o OUT -k levelset                         only some
"""

import argparse
import sys
from pathlib import Path

import pytest
from render import render

HERE = Path(__file__).parent


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder of results.json and index.html")
    parser.add_argument("--data", type=Path, help="folder of real cases")
    parser.add_argument("--method", action="append", default=[], help="name='command {image} {out}'")
    parser.add_argument("--against", type=Path, help="results.json of an earlier run")
    parser.add_argument("--tables", type=Path, help="also write the tables as a page of the docs")
    parser.add_argument("-k", default="", help="only benchmarks whose name holds this")
    a = parser.parse_args()
    a.out.mkdir(parents=True, exist_ok=True)
    results = a.out / "results.json"
    options = [f"--benchmark-json={results}", "--benchmark-disable-gc", "--benchmark-columns=median,rounds", "-q"]
    options += [f"--data={a.data}"] if a.data else []
    options += [f"--method={m}" for m in a.method]
    status = pytest.main([str(HERE), *options, "-k", a.k])
    slower = render(results, a.out / "index.html", tables=a.tables, against=a.against)
    print(f"{a.out / 'index.html'} written" + (f"; {slower} slower than in the stored run" if a.against else ""))
    sys.exit(int(status) or int(slower > 0))


if __name__ == "__main__":
    main()
