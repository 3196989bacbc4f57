"""What stands in place of a file's content."""

import pytest

import cordlevelset as cls
from cordlevelset.io.integrity import check_present


@pytest.mark.parametrize(("size", "absent"), [(100, True), (30_000, True), (40_000, False)])
def test_a_pointer_of_git_annex_is_told(size, absent, tmp_path):
    """git-annex takes files up to 32 KiB for pointers: longer ones that begin so are content."""
    path = tmp_path / "image.nii.gz"
    path.write_bytes(b"/annex/objects/MD5E-s1--x".ljust(size, b"\n"))
    if absent:
        with pytest.raises(cls.InputError, match="link whose content is not here"):
            check_present(path)
    else:
        check_present(path)


@pytest.mark.parametrize(("missing", "whole"), [(0, True), (5, False)])
def test_values_that_end_early_are_damage(missing, whole, tmp_path):
    path = tmp_path / "a.nrrd"
    head = b"NRRD0005\ntype: short\ndimension: 3\nsizes: 2 3 4\nencoding: raw\nendian: little\n\n"
    path.write_bytes(head + bytes(48 - missing))
    if whole:
        assert not cls.read(path).array.any()
    else:
        with pytest.raises(cls.InputError, match="it holds 43 bytes, its header asks for 48"):
            cls.read(path)
