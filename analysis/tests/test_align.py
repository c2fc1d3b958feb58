# SPDX-License-Identifier: BSD-3-Clause
"""Averages aligned by an event, on made runs whose answer is known and on those of a sweep."""
import numpy as np
import pytest
import xarray as xr

import conftest  # noqa: F401  (where the package is)

from htflow import aligned, open_results, when_below, when_learnt, when_placed
from htflow.align import interpolate
from htflow.clocks import crossing

RUNS, SAMPLES, WIDTH, END, LATE = 40, 401, 1.0, 100, 1e16


def logistic(time):
    return 2 / (1 + np.exp(-np.clip(time / WIDTH, -500, 500)))


@pytest.fixture(scope="module")
def jumps():
    """Runs that jump from 0 to 2 within WIDTH, each at another time and arc length.

    Their times are so late that their sum of two doubles cannot be told in one.
    """
    random = np.random.default_rng(1)
    jump = np.sort(random.uniform(20, 80, RUNS))
    # Samples are dense about each run's jump.
    since = np.stack([np.concatenate([np.linspace(-t, -10, 101)[:-1], np.linspace(-10, 10, 201),
                                      np.linspace(10, END - t, 101)[1:]]) for t in jump])
    norm = logistic(since)
    data = xr.Dataset({
        "time": (("run", "sample"), np.full((RUNS, SAMPLES), LATE)),
        "time_low": (("run", "sample"), since + jump[:, None]),
        "arc_length": (("run", "sample"), since + jump[:, None]),
        "step": (("run", "sample"), np.tile(np.arange(SAMPLES, dtype=float), (RUNS, 1))),
        "train_loss": (("run", "sample"), (2 - norm) ** 2 + 1e-3),
        "local_component_norm": (("run", "sample", "node", "component"),
                                 np.stack([norm, 0.01 * norm], axis=-1)[:, :, None]),
        "samples": ("run", np.full(RUNS, SAMPLES))},
        {"run": np.arange(RUNS), "node": ["0_1"], "component": [0, 1]})
    return data, jump


def rise(clock, values):
    """The clock's way from a tenth to nine tenths of the last value."""
    return np.interp(0.9 * 2, values, clock) - np.interp(0.1 * 2, values, clock)


@pytest.mark.parametrize("clock", ["arc_length", "time"])
def test_the_plain_average_blurs_and_the_aligned_one_does_not(jumps, clock):
    data, jump = jumps
    true = 2 * np.log(9) * WIDTH
    grid = np.linspace(-15, 15, 401)
    found = aligned(data, "local_component_norm", clock=clock, grid=grid)
    for average in (found.local_component_norm.sel(quantile=0.5), found["mean"]):
        assert abs(rise(grid, average.isel(node=0, component=0).values) / true - 1) < 0.02
    spread = found.local_component_norm.isel(node=0, component=0)
    assert float((spread.sel(quantile=0.75) - spread.sel(quantile=0.25)).max()) < 0.02
    grid = np.linspace(0, END, 2001)
    plain = aligned(data, "local_component_norm", event=np.zeros(RUNS), clock=clock, grid=grid)
    assert rise(grid, plain["mean"].isel(node=0, component=0).values) > 8 * true
    spread = plain.local_component_norm.isel(node=0, component=0)
    assert float((spread.sel(quantile=0.75) - spread.sel(quantile=0.25)).max()) > 1.9


def test_without_an_event_the_average_is_that_at_equal_clocks(jumps):
    data, _ = jumps
    grid = np.linspace(1, 99, 50)
    found = aligned(data, "train_loss", event=np.zeros(RUNS), grid=grid, quantiles=[0.1, 0.5])
    byhand = [np.interp(grid, clock, loss) for clock, loss in
              zip(data.arc_length.values, data.train_loss.values)]
    assert np.allclose(found.train_loss, np.quantile(byhand, [0.1, 0.5], axis=0), rtol=1e-12)
    assert np.allclose(found["mean"], np.mean(byhand, axis=0), rtol=1e-12)


def test_runs_count_where_they_have_samples(jumps):
    data, _ = jumps
    short = data.copy(deep=True)
    short.samples[:10] = 220
    for name in ("time", "time_low", "arc_length", "train_loss", "step", "local_component_norm"):
        short[name][:10, 220:] = np.nan
    found = aligned(short, "train_loss", event=lambda d: when_below(d, level=1.0),
                    grid=np.array([-1.0, 15]))
    assert found["count"].values.tolist() == [RUNS, RUNS - 10]


def test_log_time_and_loss_as_clocks(jumps):
    data, _ = jumps
    found = aligned(data, "local_component_norm", clock="log_time", grid=np.array([-0.5, 0, 0.5]))
    event = logistic(0)  # half the last norm is where the logistic is in its middle
    assert event == 1
    expected = logistic(10.0 ** np.array([-0.5, 0, 0.5]))
    assert np.allclose(found.local_component_norm.sel(quantile=0.5).isel(node=0, component=0),
                       expected, rtol=5e-3)  # samples are 0.1 apart
    levels = np.array([-0.3, 0, 1.0])  # of -log10 of the loss
    found = aligned(data, "local_component_norm", clock="loss", grid=levels)
    assert np.allclose(found.local_component_norm.sel(quantile=0.5).isel(node=0, component=0),
                       2 - np.sqrt(10 ** -levels - 1e-3), rtol=5e-3)


def test_events_lie_between_samples():
    series = np.array([[1e-4, 1e-2, 1, 1, np.nan], [5, 5, 5, 5, 5.0], [1, 1, 1, 1, 1.0]])
    assert np.allclose(crossing(series, 0.1), [1.5, 0, 0])
    assert np.allclose(crossing(series, [2, 7, 0.5]), [np.nan, np.nan, 0], equal_nan=True)
    assert np.allclose(crossing(series[:, ::-1][:, 1:], 0.01, falling=True), [2, np.nan, np.nan],
                       equal_nan=True)


def test_interpolation_leaves_out_where_the_clock_stands():
    clock = np.array([0, 1, 1, 0.5, 2, np.nan])
    values = np.array([1, 10, 99, 99, 1000, np.nan])
    grid = np.array([-0.1, 0, 0.5, 1, 1.5, 2, 2.1])
    assert np.allclose(interpolate(clock, values, grid),
                       [np.nan, 1, 5.5, 10, 505, 1000, np.nan], equal_nan=True)
    assert np.allclose(interpolate(clock, values, grid, log=True),
                       [np.nan, 1, 10 ** 0.5, 10, 100, 1000, np.nan], equal_nan=True)


def test_events_of_a_sweep_are_those_of_the_program(path):
    """Half the last norm, interpolated, lies between the samples around the learnt one."""
    results = open_results(path)
    for data in results.trajectories.values():
        for event in (when_placed(data, 0), when_learnt(data, 0)):
            assert (event > 0).all() and (event < data.samples.values).all()
        first = np.fmin.reduce([when_learnt(data, c, str(node)) for node in data.node.values
                                for c in (0, 1)])
        assert (when_placed(data, 0) >= first - 1).all()
    with pytest.raises(ValueError, match="in no run"):
        aligned(data, "train_loss", event=lambda d: when_below(d, level=-1))
    with pytest.raises(ValueError, match="no clock sundial"):
        aligned(data, "train_loss", clock="sundial")
