import pytest

from fasttrig.report.html.page import page_files
from tests.report.browser import CHROMIUM, DRIVER, browser
from tests.report.builds import measured, report_of


@pytest.fixture(scope="session")
def driver(tmp_path_factory):
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("chromium and chromium-driver are not installed (Debian's packages of these names)")
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="session", params=["jet_mlp", "jet_bdt", "muon_pt_bdt"])
def built(request):
    """(design, measured, report, files of the page) of each model of the repository."""
    design, found = measured(request.param)
    report = report_of(design, found)
    return design, found, report, page_files(design, report, found)
