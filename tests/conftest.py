import numpy as np
import pytest

import cordlevelset as cls
from cordlevelset.phantom import make_phantom


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def neck():
    """Small: 30 x 80 x 50 voxels, a few tenths of a second for the whole path."""
    return make_phantom(region="cervical", spacing=(2.0, 1.0, 1.0), field_mm=(60.0, 80.0, 50.0), scoliosis_mm=2.0)


@pytest.fixture(scope="session")
def neck_result(neck):
    return cls.segment(neck.image)


@pytest.fixture(scope="session")
def neck_file(neck, tmp_path_factory):
    path = tmp_path_factory.mktemp("neck") / "image.nii.gz"
    cls.write(neck.image, path)
    return path
