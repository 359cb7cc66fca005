"""Written coordinates: nine digits after the point, and no noise behind them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from boxferry.boxes.decimals import short


@given(st.floats(-1e6, 1e6))
def test_a_value_moves_by_half_a_billionth_at_most_and_has_nine_digits(value):
    """Its text too: what is read back is the same."""
    (found,) = short([value]).tolist()
    assert abs(found - value) <= 0.5e-9 + abs(value) * 2**-52
    assert found == float(f"{found:.9f}")
    assert short(found) == found


def test_noise_is_gone_and_what_is_too_large_stays():
    """The sides of a box, as subtraction leaves them; values that have no such digits; none is an error."""
    odd = [1e300, -1e308, np.inf, np.nan, 2.0**60]
    assert short([95.00006399999998, 24.000000000000007, 0.1 + 0.2]).tolist() == [95.000064, 24.0, 0.3]
    assert np.array_equal(short(odd), odd, equal_nan=True)
