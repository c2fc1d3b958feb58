# SPDX-License-Identifier: BSD-3-Clause
"""End tensors from weights, by the definition (theory of the README, section 'Symbols')."""
import re

import numpy as np


def parse_tree(newick):
    """Read a mode tree.

    Parameters
    ----------
    newick : str
        Such as ``"((0,1)4,(2,3)4)2;"``.

    Returns
    -------
    nested lists
        A leaf is its mode, an interior node the list of its children.
    """
    text = re.sub(r"\)\d+", ")", newick.strip().rstrip(";"))
    return _to_lists(iter(re.findall(r"[(),]|\d+", text)))


def _to_lists(tokens):
    token = next(tokens)
    if token != "(":
        return int(token)
    children = [_to_lists(tokens)]
    while next(tokens) == ",":
        children.append(_to_lists(tokens))
    return children


def depth_of(newick):
    """Depth of a mode tree: the most interior nodes on a way from the root to a leaf.

    Parameters
    ----------
    newick : str

    Returns
    -------
    int
        1 for a flat tree, log2 N for a full binary one of order N.
    """
    return _depth(parse_tree(newick))


def _depth(tree):
    return 0 if isinstance(tree, int) else 1 + max(map(_depth, tree))


def modes_of(tree):
    """Modes of a node in the order in which the tree lists them.

    Parameters
    ----------
    tree : nested lists
        See ``parse_tree``.

    Returns
    -------
    list of int
    """
    return [tree] if isinstance(tree, int) else [m for c in tree for m in modes_of(c)]


def name_of(tree):
    """Name of a node: its modes joined by ``_``; a unary node's is its child's and a ``+``.

    Parameters
    ----------
    tree : nested lists
        See ``parse_tree``.

    Returns
    -------
    str
    """
    if isinstance(tree, list) and len(tree) == 1:
        return name_of(tree[0]) + "+"
    return "_".join(map(str, modes_of(tree)))


def children_of(newick):
    """How many children each interior node has.

    Parameters
    ----------
    newick : str

    Returns
    -------
    dict of int
        By node name, children before their parents.
    """
    found = {}

    def visit(tree):
        if isinstance(tree, list):
            for child in tree:
                visit(child)
            found[name_of(tree)] = len(tree)
    visit(parse_tree(newick))
    return found


def _expand(tree, weights):
    """Intermediate tensors of a node: shape (D of its modes in tree order.., R_parent)."""
    matrix = weights.get(name_of(tree))
    if isinstance(tree, int):
        return matrix
    product = np.ones(1)
    for child in tree:
        part = _expand(child, weights)
        product = np.einsum("...s,ks->...ks", product, part.reshape(-1, part.shape[-1]))
        product = product.reshape(*product.shape[:-2], *part.shape[:-1], part.shape[-1])
    if matrix is None:  # a root whose weights are frozen at one
        matrix = np.ones((product.shape[-1], 1))
    return product @ matrix


def end_tensor(newick, weights):
    """The end tensor W_H of a factorization: hierarchical, CP or deep matrix.

    Parameters
    ----------
    newick : str
        The mode tree.
    weights : dict of ndarray
        By node name, shape (R_v, R_parent). Without the root's, its weights are ones.

    Returns
    -------
    ndarray, shape (D_1, .., D_N)
        Modes in ascending order.
    """
    tree = parse_tree(newick)
    return _expand(tree, weights)[..., 0].transpose(np.argsort(modes_of(tree)))
