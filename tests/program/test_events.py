# SPDX-License-Identifier: BSD-3-Clause
"""Events and activations in results.h5, as xarray reads them."""
import numpy as np
import pytest
import xarray as xr

from program import SWEEP, htflow, write


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The small sweep with levels of the loss, of runs with different numbers of events."""
    folder = tmp_path_factory.mktemp("events")
    text = SWEEP + "events: {loss: [0.5, 0.1]}\n"
    result = htflow("run", write(folder / "sweep.yaml", text), "--out", folder / "out")
    assert result.returncode == 0, result.stderr
    return folder / "out" / "results.h5"


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
def test_events_are_flags_and_numbers_padded_to_the_longest_run(results, engine):
    with xr.open_dataset(results, group="runs", engine=engine) as runs, \
            xr.open_dataset(results, group="trajectories/c0", engine=engine) as class_0:
        kind, count = class_0.event_kind, runs.events.values[class_0.run.values]
        words = kind.attrs["flag_meanings"].split()
        assert kind.dims == ("run", "event") and kind.dtype == np.int8
        assert words[:3] == ["none", "component_rise", "component_fall"]
        assert list(kind.attrs["flag_values"]) == list(range(len(words)))
        assert kind.sizes["event"] == count.max() and count.min() > 2
        assert ((kind.values > 0).sum(axis=1) == count).all()
        assert (np.isfinite(class_0.event_time.values).sum(axis=1) == count).all()
        falls = class_0.event_train_loss.values[kind.values == words.index("loss_fall")]
        assert np.allclose(np.unique(np.round(falls, 4)), [0.1, 0.5])


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
def test_time_since_activation_is_a_difference(results, engine):
    with xr.open_dataset(results, group="trajectories/c1", engine=engine) as class_1:
        active = class_1.activation_time
        assert active.dims == ("run", "node", "component")
        since = class_1.time - active
        first = class_1.event_kind.values == 1  # component_rise
        for row in range(active.sizes["run"]):
            rises = first[row] & (class_1.event_component.values[row] == 0)
            time = class_1.event_time.values[row][rises]
            assert active.values[row, 0, 0] in [0, *time]
            assert float(since[row, 0].min()) <= 0 < float(since[row].max())


def test_the_file_is_sound(results):
    result = htflow("check", results)
    assert result.returncode == 0, result.stdout + result.stderr
