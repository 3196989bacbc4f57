from functools import partial

import pytest
from browser import page_shown, start


@pytest.fixture(scope="session")
def browse():
    """A page in a browser, as a context: ``with browse(path, size) as driver``."""
    driver = start()
    yield partial(page_shown, driver)
    driver.quit()
