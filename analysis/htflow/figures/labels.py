# SPDX-License-Identifier: BSD-3-Clause
"""What classes of trajectories are called."""
from ..phases import SEEDS
from . import style


def class_labels(results, column=None):
    """What tells the classes of trajectories apart, in words.

    Parameters
    ----------
    results : Results
    column : str, optional
        A key that is shown otherwise.

    Returns
    -------
    dict
        By class name, from shallow trees to deep ones: the swept keys, but seeds, that are
        constant in each class and differ between them; the tree itself if there are none.
    """
    classes = {name: data for name, data in results.trajectories.items() if data.sizes["run"]}
    keys = [key for key in results.axes if key != column and key not in SEEDS]
    first = {name: {key: data[key].values[0] for key in keys} for name, data in classes.items()}
    keys = [key for key in keys
            if all((data[key] == data[key][0]).all() for data in classes.values())
            and len({str(values[key]) for values in first.values()}) > 1]
    labels = {name: ", ".join(f"{style.key_name(key)} {style.short(first[name][key])}"
                              for key in keys) or style.short(results.trees[name])
              for name in classes}
    return dict(sorted(labels.items(),
                       key=lambda item: (int(classes[item[0]].tree_depth[0]), item[1])))
