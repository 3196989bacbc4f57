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


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (b"space origin: " + 700 * b"1", "a field of its header has 7"),  # ITK overruns a buffer from 950 on
        (b"# a comment\n" * 110_000, "its header does not end"),  # 1.3 MB
    ],
)
def test_an_nrrd_header_of_another_size_is_damage(lines, words, tmp_path):
    path = tmp_path / "a.nrrd"
    path.write_bytes(NRRD + lines + b"\n\n" + bytes(range(48)))
    with pytest.raises(cls.InputError, match=words):
        cls.read(path)


@pytest.mark.parametrize(("letters", "read"), [(200, True), (300, False)])
def test_a_name_of_a_metaimage_fits_itk_s_buffer(letters, read, tmp_path):
    """Of 256 letters; what is longer would be written behind it."""
    head = f"ObjectType = Image\nName = {letters * 'a'}\nNDims = 3\nDimSize = 4 3 2\nElementType = MET_SHORT\n"
    path = tmp_path / "a.mha"
    path.write_bytes(head.encode() + b"ElementDataFile = LOCAL\n" + bytes(range(48)))
    if read:
        assert cls.read(path).array[0, 0, 1] == 0x0302
    else:
        with pytest.raises(cls.InputError, match="too long a name"):
            cls.read(path)
