# SPDX-License-Identifier: BSD-3-Clause
"""htflow init: the sample is a sweep, and the schema for editors knows what sweeps are."""
import json
import pathlib
import re

import jsonschema
import pytest
import yaml

from program import SWEEP, htflow, write

ROOT = pathlib.Path(__file__).parents[2]


class Loader(yaml.SafeLoader):
    """YAML 1.2 as editors read it: 1e-3 is a number, `on` a word."""


Loader.yaml_implicit_resolvers = {
    key: [(tag, pattern) for tag, pattern in resolvers
          if tag not in ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:float")]
    for key, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}
Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$"),
    list("-+.0123456789"))


@pytest.fixture(scope="module")
def schema():
    result = htflow("init", "--schema")
    assert result.returncode == 0
    schema = json.loads(result.stdout)
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def errors(schema, text):
    return list(schema.iter_errors(yaml.load(text, Loader)))


def test_the_sample_is_a_sweep_of_defaults(tmp_path):
    path = tmp_path / "new.yaml"
    assert htflow("init", path).returncode == 0
    told = htflow("plan", path, "--resolved")
    assert told.returncode == 0 and "WARN" not in told.stderr.upper()
    axes = path.read_text()[path.read_text().index("\naxes:"):]
    short = write(tmp_path / "short.yaml", "name: sample\n" + axes)
    # Counts and the like at their defaults are written out in both.
    assert told.stdout == htflow("plan", short, "--resolved").stdout
    assert htflow("init").stdout == path.read_text()


def test_the_sample_explains_every_key(tmp_path):
    text = htflow("init").stdout
    for line in htflow("plan", write(tmp_path / "e.yaml", ""), "--resolved").stdout.splitlines():
        key = line.split(":")[0].strip()
        assert re.search(rf"^ *(# )?{re.escape(key)}:", text, re.M), key
    assert max(map(len, text.splitlines())) <= 90


def test_a_file_that_is_there_is_not_overwritten(tmp_path):
    path = write(tmp_path / "mine.yaml", "seed: 5\n")
    result = htflow("init", path)
    assert result.returncode == 2 and "there already" in result.stderr
    assert path.read_text() == "seed: 5\n"


@pytest.mark.parametrize("path", sorted(ROOT.glob("jobs/*.yaml")), ids=lambda path: path.name)
def test_the_schema_takes_the_sweeps_of_jobs(schema, path):
    assert errors(schema, path.read_text()) == []


def test_the_schema_takes_what_plan_takes(schema, tmp_path):
    texts = [SWEEP, htflow("init").stdout, "", "init: balanced\nmodel.tree: {depth: 2}\n",
             "record: {descent: {every: 3}}\nflow: {method: gd}\n",
             "where: [init.std < 1, model.tree != flat]\nblocks: [[{seeds: 2}], []]\n"
             "axes: [zip: [{key: model, values: [{width: 2}, cp]},\n"
             "             {key: init.std, uniform: [0.1, 1, 2]}]]\n",
             "problem: {file: null}\n"]
    for text in texts:
        assert errors(schema, text) == []
        assert htflow("plan", write(tmp_path / "s.yaml", text)).returncode == 0, text


def test_the_schema_refuses_what_plan_refuses(schema, tmp_path):
    texts = ["sed: 1\n", "init: {sdt: 1}\n", "init: {std: big}\n", "init: {std: 1e200}\n",
             "flow: {method: dbf}\n", "problem: {shape: [4]}\n", "model: {width: 2.5}\n",
             "axes: 3\n", "axes: [{key: init.std, log: [1, 2]}]\n", "blocks: []\n",
             "axes: [{seeds: 0}]\n", "model: {tree: {arity: many}}\n", "where: {a: b}\n"]
    for text in texts:
        assert errors(schema, text), text
        assert htflow("plan", write(tmp_path / "s.yaml", text)).returncode == 3, text
