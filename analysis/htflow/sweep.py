# SPDX-License-Identifier: BSD-3-Clause
"""What a results file says of the sweep that made it."""
import numpy as np
import yaml


def read(text):
    """Read YAML text, numbers such as ``1e-6`` among it (text to YAML 1.1, a number to 1.2).

    Parameters
    ----------
    text : str

    Returns
    -------
    dict, or whatever the text holds
    """
    return _with_numbers(yaml.safe_load(text) or {})


def _with_numbers(value):
    if isinstance(value, dict):
        return {key: _with_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_numbers(item) for item in value]
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def parameter(base, runs, key):
    """Value of a key in each run: of its own axis, of its section's axis, or of the base.

    Parameters
    ----------
    base : dict
        The resolved sweep.
    runs : xarray.Dataset
        Of a results file.
    key : str
        With dots.

    Returns
    -------
    list, one a run
        None where there is none.
    """
    value = base
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    values = [value] * runs.sizes["run"]
    section, _, last = key.rpartition(".")
    if section.replace(".", "_") in runs.coords:
        values = _of_section(runs[section.replace(".", "_")].values, last, values)
    if key.replace(".", "_") in runs.coords:
        values = list(runs[key.replace(".", "_")].values)
    return values


def _of_section(texts, key, values):
    texts = np.asarray(texts, str)
    found = {text: read(text) for text in np.unique(texts)}
    return [found[text].get(key, value) if isinstance(found[text], dict) else value
            for text, value in zip(texts, values)]
