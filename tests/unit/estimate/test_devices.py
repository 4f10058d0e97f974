"""Parts and boards: names as people and tools write them, totals as the vendor's reports state them."""

import pytest

from fasttrig.base.errors import InputError
from fasttrig.estimate.devices import boards, find_device


@pytest.mark.parametrize(
    ("name", "device"),
    [
        ("xcvu13p-flga2577-2-e", "VU13P"),
        ("xcu250-figd2104-2L-e", "U250"),
        ("vu9p", "VU9P"),
        ("VCU118", "VU9P"),
        ("Serenity VU13P", "VU13P"),
        ("ZCU102", "ZU9EG"),
        ("pynq-z2", "XC7Z020"),
        ("xc7vx690tffg1927-2", "V7-690T"),
    ],
)
def test_names_find_their_device(name, device):
    assert find_device(name).name == device


def test_every_board_carries_a_part_of_its_device():
    for board in boards():
        assert find_device(board.part).name == board.device


def test_a_near_name_is_offered():
    with pytest.raises(InputError) as caught:
        find_device("VU13")
    assert "VU13P" in str(caught.value)


def test_a_quarter_of_a_vu13p_fits_one_die_and_more_does_not():
    device = find_device("VU13P")
    assert not device.crosses_slr({"lut": 432_000})
    assert device.crosses_slr({"lut": 432_001})
    assert device.shares({"dsp": 1228.8})["dsp"] == pytest.approx(0.1)


def test_a_resource_the_device_lacks_has_no_share():
    device = find_device("xc7z020clg400-1")
    assert device.shares({"uram": 1})["uram"] is None
    assert device.shares({"uram": 0})["uram"] == 0
