# SPDX-License-Identifier: BSD-3-Clause
"""What the page says and does, in a real browser."""
import json
import re
import time

import h5py
import numpy as np
import pytest

from conftest import BASE, NAME, PROGRAM, ROOT, htflow, page_of, results
from htflow.report import collect, make_page

PLOT = "[data-part=plot] svg"
CELLS = "[...document.querySelectorAll('.runs tbody tr[data-run]')].map(row => [...row.cells]" \
        ".map(cell => cell.textContent))"


def shown(browser, run):
    """Wait until a run's trajectory is drawn."""
    browser.wait(f"document.querySelector('{PLOT}').getAttribute('aria-label') || ''")
    browser.wait(f"(document.querySelector('{PLOT}').getAttribute('aria-label') || '')"
                 f".includes(' of run {run} ')")


def span(browser, axis="x"):
    """The range of an axis of the plot."""
    return json.loads(browser.do(f"document.querySelector('{PLOT}').dataset.{axis}"))


def column(browser, label):
    """The texts of a column of the table, of the rows in sight."""
    place = browser.do("[...document.querySelectorAll('.runs th')].findIndex("
                       f"head => head.textContent === {json.dumps(label)})")
    return [row[place] for row in browser.do(CELLS)]


def choose(browser, name, value):
    """Choose in a menu of the plot."""
    browser.do(f"""(() => {{
        const menu = document.querySelector("[data-part={name}]");
        menu.value = {json.dumps(value)};
        menu.dispatchEvent(new Event("change"));
    }})()""")


def clean(browser, path):
    """Nothing was complained of, nothing asked for but the file itself."""
    assert browser.complaints == []
    asked = [url for url in browser.requests if not url.startswith("data:")]
    assert asked == [path.resolve().as_uri()]


# ---- the page -------------------------------------------------------------------------

def test_it_opens_by_itself_and_says_what_the_file_says(browser, page, mixed):
    browser.open(page)
    shown(browser, 0)
    text = browser.do("document.body.innerText")
    assert "8 of 16 runs done, 8 failed" in text
    with h5py.File(mixed) as file:
        assert file.attrs["content_checksum"] in text
        assert file.attrs["plan_hash"] in text
    figures = browser.do("[...document.images].map(i => [i.complete, i.naturalWidth])")
    assert len(figures) >= 3 and all(done and width > 300 for done, width in figures)
    clean(browser, page)


def test_text_of_the_file_is_text_in_the_page(browser, page):
    browser.open(page)
    name = NAME.replace('\\"', '"')
    assert browser.do("document.querySelector('h1').textContent") == name
    assert browser.do("document.title") == name
    assert browser.do("document.scripts.length") == 3
    assert browser.do("document.querySelectorAll('img[src=x]').length") == 0


def test_text_of_a_run_is_text_in_the_page(browser, mixed, folder):
    report = collect(mixed, PROGRAM)
    message = next(c for c in report["columns"] if c["key"] == "message")
    message["values"][3] = NAME
    page = folder / "message.html"
    page.write_text(make_page(report, []))
    browser.open(page)
    assert column(browser, "message")[3] == NAME
    assert browser.do("document.querySelectorAll('img[src=x]').length") == 0
    clean(browser, page)


def test_the_physics_are_those_of_check(browser, page, mixed):
    said = json.loads(htflow("check", "--json", mixed).stdout)
    browser.open(page)
    data = browser.do("JSON.parse(document.getElementById('data').textContent).columns")
    for key in ("law_residual", "exponent_off"):
        values = next(c["values"] for c in data if c["key"] == key)
        for law in said["runs"]:
            assert values[law["run"]] == (law[key] and pytest.approx(law[key], rel=1e-5))
    shown(browser, 0)
    law = said["runs"][0]
    rows = browser.do("[...document.querySelector('[data-part=learnt]').rows]"
                      ".map(row => [...row.cells].map(cell => cell.textContent))")
    assert [row[:2] for row in rows] == [[at["node"], str(at["component"] + 1)]
                                         for at in law["learnt"]]
    texts = browser.do("document.getElementById('physics').innerText")
    assert all(finding["finding"] in texts for finding in said["findings"])


# ---- the table ------------------------------------------------------------------------

def test_the_table_sorts_by_a_click_and_by_keys(browser, page):
    browser.open(page)
    head = "[...document.querySelectorAll('.runs th')].find(h => h.textContent === 'gradients')"
    browser.do(f"{head}.querySelector('button').id = 'gradients'")
    browser.click("#gradients")
    numbers = [int(text.replace("\u202f", "")) for text in column(browser, "gradients")]
    assert numbers == sorted(numbers) and len(set(numbers)) > 2
    assert browser.do(f"{head}.getAttribute('aria-sort')") == "ascending"
    browser.do("document.querySelector('#gradients').focus()")
    browser.key("Enter")
    browser.do("document.querySelector('#gradients').click()")
    assert browser.do(f"{head}.getAttribute('aria-sort')") == "descending"
    numbers = [int(text.replace("\u202f", "")) for text in column(browser, "gradients")]
    assert numbers == sorted(numbers, reverse=True)


def test_numbers_that_are_missing_sort_last_either_way(browser, page):
    browser.open(page)
    heads = browser.do("[...document.querySelectorAll('.runs th')].map(h => h.textContent)")
    place = heads.index("exponent off") + 1
    for _ in range(2):
        browser.do(f"document.querySelector('.runs th:nth-child({place}) button').click()")
        texts = column(browser, "exponent off")
        missing = [text == "NaN" for text in texts]
        assert any(missing) and not all(missing)
        assert missing == sorted(missing)


def test_the_table_filters(browser, page):
    browser.open(page)
    field = ".controls input[type=search]"
    for words, count in (("failed", 8), ("failed flat", 4), ("init.std<0.1", 8),
                         ("flow_method=bdf model.tree=flat", 4), ("status!=failed", 8),
                         ("seed>=1 init_std>0.1", 4), ("nothing-of-this", 0)):
        browser.type(field, words)
        browser.wait("document.querySelectorAll('.runs tr[data-run]').length === "
                     f"{count} || null")
        assert f"{count} of 16 runs" in browser.do(
            "document.querySelector('[data-part=count]').textContent")
    browser.type(field, " ")
    browser.do("""(() => {
        const menu = document.querySelector("select[data-key=status]");
        menu.selectedIndex = [...menu.options].findIndex(o => o.text === "failed");
        menu.dispatchEvent(new Event("change"));
    })()""")
    assert set(column(browser, "status")) == {"\u2715 failed"}


def test_rows_are_reached_by_keys(browser, page):
    browser.open(page)
    browser.do("document.querySelector('.runs tr[data-run]').focus()")
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        browser.key(key)
    assert browser.do("document.activeElement.dataset.run") == "2"
    shown(browser, 2)


# ---- the plot -------------------------------------------------------------------------

def test_a_run_is_chosen_and_drawn_as_the_file_has_it(browser, page, mixed):
    browser.open(page)
    browser.click(".runs tr[data-run='5'] td:nth-child(2)")
    shown(browser, 5)
    drawn = browser.do("trajectory(5).then(t => ({time: [...t.clocks.time], "
                       "arc: [...t.clocks.arc_length], loss: [...t.series.losses[0][0]], "
                       "norm: t.series.local_component_norm.map(n => n.map(l => [...l]))}))")
    with h5py.File(mixed) as file:
        group = file["trajectories"][file["runs/trajectory"].asstr()[5]]
        row = file["runs/row"][5]
        count = group["samples"][row]
        assert drawn["time"] == group["time"][row][:count].tolist()
        assert np.allclose(drawn["arc"], group["arc_length"][row][:count], rtol=1e-6)
        for key, values in (("train_loss", drawn["loss"]),
                            ("local_component_norm", np.moveaxis(drawn["norm"], 2, 0))):
            data = group[key][row][:count]
            # 65,533 levels over the logarithm's range, of all losses together
            apart = np.log(data.max() / data.min() * 1e3) / 65533
            assert np.allclose(values, data, rtol=apart)
    choose(browser, "quantity", "losses")
    lines = browser.do(f"[...document.querySelectorAll('{PLOT} path.line')].map("
                       "line => line.getAttribute('d').split(/[ML]/).length - 1)")
    assert lines == [count] * 3


def test_every_quantity_and_clock_is_drawn(browser, page):
    browser.open(page)
    shown(browser, 0)
    count = browser.do("document.querySelector('[data-part=quantity]').options.length")
    assert count >= 8
    for name in ("quantity", "panel", "clock", "logx", "logy"):
        options = browser.do(f"document.querySelector('[data-part={name}]').options?.length || 2")
        for i in range(options):
            browser.do(f"""(() => {{
                const control = document.querySelector("[data-part={name}]");
                control.checked = control.checked === undefined ? undefined : !control.checked;
                control.selectedIndex = {i};
                control.dispatchEvent(new Event("change"));
            }})()""")
            paths = browser.do(f"[...document.querySelectorAll('{PLOT} path.line')]"
                               ".map(line => line.getAttribute('d'))")
            assert paths and not any("NaN" in path for path in paths)
            ticks = browser.do(f"document.querySelectorAll('{PLOT} .tick').length")
            assert ticks >= 4
    assert browser.complaints == []


def test_it_zooms_and_pans(browser, page):
    browser.open(page)
    shown(browser, 0)
    x, y = browser.centre(PLOT)
    whole, values = span(browser), span(browser, "y")
    browser.drag([(x - 100, y), (x, y + 2), (x + 100, y + 4)])
    near = span(browser)
    assert whole[0] < near[0] < near[1] < whole[1]
    assert near[1] - near[0] < (whole[1] - whole[0]) / 3
    assert span(browser, "y") != values, "y follows what is in sight"
    browser.drag([(x, y), (x - 50, y), (x - 100, y)], shift=True)
    moved = span(browser)
    assert moved[0] > near[0]
    assert moved[1] - moved[0] == pytest.approx(near[1] - near[0])
    browser.drag([(x - 100, y - 60), (x, y), (x + 100, y + 60)])
    assert span(browser, "y")[1] < values[1]
    browser.click("[data-zoom=all]")
    assert span(browser) == whole
    for key in ("in", "right", "right", "right", "right", "right"):
        browser.click(f"[data-zoom={key}]")
    assert span(browser)[1] == pytest.approx(whole[1]), "there is an end to pan to"
    browser.click("[data-zoom=all]")
    browser.click("[data-zoom=in]")
    assert span(browser)[1] - span(browser)[0] == pytest.approx((whole[1] - whole[0]) / 2)
    browser.do(f"document.querySelector('{PLOT}').focus()")
    browser.key("0")
    browser.wheel(x, y, -300)
    browser.wait(f"JSON.parse(document.querySelector('{PLOT}').dataset.x)[0] > {whole[0]}")
    browser.key("0")
    assert span(browser) == whole


def test_it_reads_out(browser, page):
    browser.open(page)
    shown(browser, 0)
    x, y = browser.centre(PLOT)
    browser.move(x, y)
    texts = browser.do("[...document.querySelectorAll('.legend output')].map(o => o.value)")
    assert len(texts) == 5 and all(texts)  # the clock and four components
    browser.do(f"document.querySelector('{PLOT}').focus()")
    browser.key("Home")
    first = browser.do("document.querySelector('.legend output').value")
    browser.key("End")
    assert first == "0" != browser.do("document.querySelector('.legend output').value")


def test_fingers_pan_and_pinch(browser, page):
    browser.size(390, 844, mobile=True)
    browser.open(page)
    shown(browser, 0)
    x, y = browser.centre(PLOT)
    whole = span(browser)
    browser.touch([(x - 20, y), (x + 20, y)], [(x - 60, y), (x + 60, y)],
                  [(x - 90, y), (x + 90, y)])
    near = span(browser)
    assert near[1] - near[0] < (whole[1] - whole[0]) / 2
    browser.touch([(x, y)], [(x - 30, y)], [(x - 60, y)])
    assert span(browser)[0] > near[0]
    browser.size(1280, 900)


# ---- readable -------------------------------------------------------------------------

CONTRAST = """(() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.checkVisibility() ||
        element.closest("script, style, option, button:disabled")) continue;
    const style = getComputedStyle(element);
    const ink = parse(element.closest("svg") ? style.fill : style.color);
    let back = element;
    while (back && (parse(getComputedStyle(back).backgroundColor)[3] ?? 1) === 0) {
      back = back.parentElement;
    }
    const paper = parse(getComputedStyle(back || document.documentElement).backgroundColor);
    const [a, b] = [light(ink), light(paper)].sort((p, q) => q - p);
    found.push([(a + 0.05) / (b + 0.05), parseFloat(style.fontSize),
                element.tagName + ": " + walker.currentNode.textContent.trim().slice(0, 30)]);
  }
  return found;
})()"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_is_readable(browser, page, width, scheme):
    browser.size(width, 844, mobile=width < 500)
    browser.colours(scheme)
    browser.open(page)
    shown(browser, 0)
    browser.do("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    try:
        wide = browser.do("document.documentElement.scrollWidth")
        texts = browser.do(CONTRAST)
    finally:
        browser.size(1280, 900)
        browser.colours("light")
    assert wide <= width, "the page scrolls sideways"
    assert len(texts) > 200
    assert [text for text in texts if text[1] < 12] == []
    assert [text for text in texts if text[0] < 4.5] == []  # WCAG 2.1 AA


# ---- files of every kind --------------------------------------------------------------

def open_kind(browser, folder, name, text, *more):
    path = results(folder / name, BASE + text, *more)
    page = page_of(path, folder / f"{name}.html")
    browser.open(page)
    clean(browser, page)
    return page


def test_a_single_run(browser, folder):
    open_kind(browser, folder, "one", "stop: {loss: 1e-3}\n")
    shown(browser, 0)
    text = browser.do("document.body.innerText")
    assert "The run is done" in text and "nothing swept" in text


def test_the_least_that_can_be_recorded(browser, folder):
    page = open_kind(browser, folder, "least", "stop: {steps: 30}\naxes: [{seeds: 2}]\n",
                     "--set", "record.observables=[]")
    shown(browser, 0)
    quantities = browser.do("[...document.querySelector('[data-part=quantity]').options]"
                            ".map(o => o.value)")
    assert "losses" in quantities and "local_component_norm" not in quantities
    clean(browser, page)


def test_a_sweep_that_was_stopped_before_its_first_run(browser, folder):
    text = BASE.replace("[4, 4, 4], samples: 48", "[8, 8, 8, 8], samples: 1024") + \
        "stop: {loss: 1e-14}\naxes: [{seeds: 3}]\n"
    folder = folder / "none"
    folder.mkdir()
    (folder / "sweep.yaml").write_text(text)
    htflow("run", folder / "sweep.yaml", "--out", folder / "out", "--deadline", "0.001")
    done = htflow("gather", folder / "out", "-o", folder / "none.h5", "--partial")
    assert (folder / "none.h5").exists(), done.stderr
    page = page_of(folder / "none.h5", folder / "none.html")
    browser.open(page)
    text = browser.do("document.body.innerText")
    assert "3 not run yet" in text
    browser.wait("document.body.innerText.includes('recorded no trajectory')")
    clean(browser, page)


def test_failures_are_told_with_their_messages(browser, page, mixed):
    with h5py.File(mixed) as file:
        messages = file["runs/message"].asstr()[:]
        failed = file["runs/status"][:] == 2
    browser.open(page)
    text = browser.do("document.getElementById('failures').innerText")
    assert failed.sum() == 8
    assert all(message in text for message in set(messages[failed][:5]) if message)
    browser.click("#failures a[data-run]")
    first = browser.do("document.querySelector('#failures a[data-run]').dataset.run")
    browser.wait(f"document.querySelector('[data-part=number]').value === '{first}'")


# ---- many runs ------------------------------------------------------------------------

def test_ten_thousand_runs_open_in_under_three_seconds(browser, many, folder):
    start = time.process_time()
    page = page_of(many, folder / "many.html", limit=4e6)
    assert time.process_time() - start < 30  # and as much again for what is asked of check
    assert page.stat().st_size < 8e6
    before, wall = browser.busy(), browser.open(page)
    assert min(wall, browser.busy() - before) < 3  # beside other work the clock is not ours
    shown(browser, 0)
    text = browser.do("document.body.innerText")
    assert "10\u202f000 runs" in text
    kept = int(re.search(r"trajectories of ([\d,]+) of 10,000 runs", text)[1].replace(",", ""))
    assert 100 < kept < 10000
    assert browser.do("document.querySelectorAll('.runs tr[data-run]').length") < 100
    browser.do("document.querySelector('.runs').scrollTop = 1e9")
    browser.wait("document.querySelector('.runs tr[data-run=\"9999\"]') !== null")
    browser.click(".runs tr[data-run='9999'] td:nth-child(2)")
    browser.wait("!document.querySelector('[data-part=nothing]').hidden")
    assert "is not in this page" in browser.do(
        "document.querySelector('[data-part=nothing]').textContent")
    clean(browser, page)


# ---- the command ----------------------------------------------------------------------

def test_it_says_what_it_cannot_do(mixed, folder):
    problem = ROOT / "data" / "photograph.h5"
    for path, code, words in ((problem, 7, "problem"), (__file__, 7, "not a results file"),
                              ("/nowhere.h5", 6, "No such file")):
        done = htflow("report", path, "-o", folder / "not.html")
        assert done.returncode == code and words in done.stderr
        assert not (folder / "not.html").exists()
    done = htflow("report", mixed, HTFLOW_PYTHON="/nowhere/python3")
    assert done.returncode == 6 and "HTFLOW_PYTHON" in done.stderr
    done = htflow("report", mixed, "-o", "/nowhere/page.html")
    assert done.returncode == 6 and "/nowhere" in done.stderr
    assert htflow("report").returncode == 2
    assert htflow("report", mixed, "--limit", "much").returncode == 2


def test_it_names_the_module_that_is_missing(mixed, folder):
    shadow = folder / "shadow"
    shadow.mkdir()
    (shadow / "h5py.py").write_text("raise ModuleNotFoundError(name='h5py')\n")
    done = htflow("report", mixed, PYTHONPATH=str(shadow))
    assert done.returncode == 6 and "python3-h5py" in done.stderr
