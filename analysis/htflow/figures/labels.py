# SPDX-License-Identifier: BSD-3-Clause
"""What classes of trajectories are called, and how they are laid out."""
from ..phases import SEEDS, default_axes
from ..selection import levels
from . import style

ROWS, COLUMNS = 3, 5    # the most of a figure of component norms


def class_labels(results, but=()):
    """What tells the classes of trajectories apart, in words.

    Parameters
    ----------
    results : Results
    but : collection of str
        Keys that are shown otherwise.

    Returns
    -------
    dict
        By class name, from shallow trees to deep ones: the swept keys, but seeds, that are
        constant in each class and differ between them; the tree itself if there are none.
    """
    classes = {name: data for name, data in results.trajectories.items() if data.sizes["run"]}
    keys = [key for key in results.axes if key not in but and key not in SEEDS]
    first = {name: {key: data[key].values[0] for key in keys} for name, data in classes.items()}
    keys = [key for key in keys
            if all((data[key] == data[key][0]).all() for data in classes.values())
            and len({str(values[key]) for values in first.values()}) > 1]
    labels = {name: ", ".join(f"{style.key_name(key)} {style.short(first[name][key])}"
                              for key in keys) or style.short(results.trees[name])
              for name in classes}
    return dict(sorted(labels.items(),
                       key=lambda item: (int(classes[item[0]].tree_depth[0]), item[1])))


def column_key(results):
    """The key whose values are columns beside each other.

    Returns
    -------
    str or None
        The initialisation scale if it is swept; else the first key, but seeds, that varies
        within a class of trajectories.
    """
    first = default_axes(results)[0]
    keys = [first] + [key for key in results.axes if key not in SEEDS and key != first]
    classes = [data for data in results.trajectories.values() if data.sizes["run"]]
    return next((key for key in keys if key is not None and
                 any((data[key] != data[key][0]).any() for data in classes)), None)


class Layout:
    """Panels of component norms: a row for each class, a column for each value of a key.

    Attributes
    ----------
    names : list of str
        Classes that recorded component norms, at most `ROWS`, evenly chosen; may be empty.
    column : str or None
        See ``column_key``.
    values : list
        Of that key, at most `COLUMNS`; ``[None]`` without one.
    """

    def __init__(self, results):
        self.column = column_key(results)
        self._labels = class_labels(results, but=[self.column])
        self.names = style.evenly([name for name in self._labels if "local_component_norm"
                                   in results.trajectories[name]], ROWS)
        self.values = [None] if self.column is None else \
            style.evenly(levels(results.runs, self.column)[0], COLUMNS)

    def title(self, name, value):
        """Of the panel of a class and a value."""
        return self._labels[name] if self.column is None else \
            f"{self._labels[name]}\n{style.key_name(self.column)} {style.short(value)}"


def node_label(name):
    """A node's name with consecutive modes as a range: ``0_1_2_3_6`` is ``0-3_6``."""
    runs = []
    for mode in str(name).rstrip("+").split("_"):
        if runs and int(mode) == runs[-1][-1] + 1:
            runs[-1].append(int(mode))
        else:
            runs.append([int(mode)])
    parts = [f"{run[0]}-{run[-1]}" if len(run) > 2 else "_".join(map(str, run)) for run in runs]
    return "_".join(parts) + "+" * str(name).count("+")
