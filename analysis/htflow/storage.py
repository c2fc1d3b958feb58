# SPDX-License-Identifier: BSD-3-Clause
"""Groups of a results file as xarray datasets whose large variables are read when used.

xarray's own backends ask HDF5 for the name of each dimension scale, for which it searches the
whole file: with 200 classes of trajectories each took seconds to open. Here scales are told
by their addresses.
"""
import h5py
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

HIDDEN = {"CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST", "_FillValue"}


class _Stored(BackendArray):
    """A variable in the file, read by the rows and columns asked for."""

    def __init__(self, dataset):
        self.dataset, self.shape, self.dtype = dataset, dataset.shape, dataset.dtype

    def __getitem__(self, key):
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER_1VECTOR, self._read)

    def _read(self, key):
        return self.dataset[key]


def attributes(item):
    """Attributes of a dataset or group but those of netCDF and HDF5 themselves.

    Parameters
    ----------
    item : h5py.Dataset or h5py.Group

    Returns
    -------
    dict
    """
    return {key: item.attrs[key] for key in item.attrs
            if key not in HIDDEN and not key.startswith(("_Netcdf4", "_NC"))}


def _address(identifier):
    return h5py.h5o.get_info(identifier).addr


def _dimensions(dataset, names):
    """Names of a dataset's dimensions, by the addresses of their scales."""
    if h5py.h5ds.is_scale(dataset.id):
        return (names[_address(dataset.id)],)
    return tuple(names[_address(h5py.h5r.dereference(scales[0], dataset.id))]
                 for scales in dataset.attrs.get("DIMENSION_LIST", ()))


def _values(dataset):
    if h5py.check_string_dtype(dataset.dtype):
        return dataset.asstr()[()]
    if dataset.ndim < 2:
        return dataset[()]
    return indexing.MemoryCachedArray(indexing.CopyOnWriteArray(
        indexing.LazilyIndexedArray(_Stored(dataset))))


def read_group(group):
    """A group as a dataset.

    Parameters
    ----------
    group : h5py.Group
        Of an open file; what has two dimensions or more is read from it later.

    Returns
    -------
    xarray.Dataset
        Its dimension scales, and what its attribute ``coordinates`` lists, are coordinates.
    """
    items = {name: item for name, item in group.items() if isinstance(item, h5py.Dataset)}
    names = {_address(item.id): name for name, item in items.items()
             if h5py.h5ds.is_scale(item.id)}
    variables = {name: xr.Variable(_dimensions(item, names), _values(item), attributes(item))
                 for name, item in items.items()}
    told = attributes(group)
    coordinates = [*names.values(), *told.pop("coordinates", "").split()]
    return xr.Dataset({name: v for name, v in variables.items() if name not in coordinates},
                      {name: variables[name] for name in coordinates}, told)
