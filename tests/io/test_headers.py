"""Long headers of text that are read all the same."""

import pytest

import cordlevelset as cls

NRRD = b"NRRD0005\ntype: short\ndimension: 3\nsizes: 2 3 4\nencoding: raw\nendian: little\n"
ONE, ZERO = b"1." + 38 * b"0", b"0." + 38 * b"0"
DIRECTIONS = b" ".join(
    b"(" + b",".join(ONE if i == k else ZERO for i in range(3)) + b")" for k in range(3)
)  # 370 bytes: more digits than a double has


@pytest.mark.parametrize(
    "lines",
    [b"space: left-posterior-superior\nspace directions: " + DIRECTIONS, b"# a comment\n" * 59_999 + b"# the last"],
    ids=["a field of 390 bytes", "0.7 MB of comments"],
)
def test_an_nrrd_header_may_be_long(lines, tmp_path):
    path = tmp_path / "a.nrrd"
    path.write_bytes(NRRD + lines + b"\n\n" + bytes(range(48)))
    assert cls.read(path).array[0, 0, 1] == 0x0302
