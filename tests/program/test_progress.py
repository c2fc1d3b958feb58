# SPDX-License-Identifier: BSD-3-Clause
"""What a sweep tells while it runs: on a terminal, in a log, in its event files."""
import json
import os
import pty
import re
import subprocess

from program import SWEEP, command, htflow, write

LINE = re.compile(r"(\d+) of 8 runs done, 0 failed, [\d.e+]+ a second, [\d.]+ s, "
                  r"utilisation \d+ %")


def in_terminal(*arguments, columns=None):
    """What a command writes to a terminal that is its stderr."""
    master, slave = pty.openpty()
    if columns:
        import fcntl
        import struct
        import termios
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(command(*arguments), stdout=subprocess.DEVNULL, stderr=slave,
                               stdin=subprocess.DEVNULL)
    os.close(slave)
    text = b""
    try:
        while chunk := os.read(master, 4096):
            text += chunk
    except OSError:  # the other end is closed
        pass
    os.close(master)
    assert process.wait(timeout=60) == 0
    return text.decode()


def test_a_terminal_gets_one_line_written_over(tmp_path):
    text = in_terminal("run", write(tmp_path / "s.yaml", SWEEP), "--out", tmp_path / "out")
    told = [part for part in text.split("\r") if "runs done" in part]
    assert told and all(LINE.match(part) for part in told)
    assert told[-1].startswith("8 of 8 runs") and "\x1b[K" in told[-1]
    assert text.count("runs done") == len(told) and "\n" not in "".join(told[:-1])


def test_a_narrow_terminal_gets_a_line_that_fits(tmp_path):
    text = in_terminal("run", write(tmp_path / "s.yaml", SWEEP), "--out", tmp_path / "out",
                       columns=30)
    told = [part for part in re.split("[\r\n]+", text) if "of 8 runs" in part]
    assert told and all(len(part.replace("\x1b[K", "")) <= 29 for part in told)


def test_a_log_gets_plain_lines(tmp_path):
    result = htflow("run", write(tmp_path / "s.yaml", SWEEP), "--out", tmp_path / "out", ranks=2)
    assert LINE.search(result.stderr) and "\x1b" not in result.stderr
    assert result.stderr.count("runs done") == 1  # a short sweep: the last one alone


def events(directory):
    for path in sorted((directory / "log").glob("*.jsonl")):
        yield path, [json.loads(line) for line in path.read_text().splitlines()]


def test_each_writer_logs_its_events_as_json_lines(tmp_path):
    sweep = write(tmp_path / "s.yaml", SWEEP)
    assert htflow("run", sweep, "--out", tmp_path / "out", ranks=2).returncode == 0
    ended = []
    for path, lines in events(tmp_path / "out"):
        assert [lines[0]["event"], lines[-1]["event"]] == ["open", "close"]
        assert lines[0]["writer"] == path.stem and lines[0]["ranks"] == 2
        assert [e["time"] for e in lines] == sorted(e["time"] for e in lines)
        starts = [e["run"] for e in lines if e["event"] == "start"]
        ends = [e for e in lines if e["event"] == "end"]
        assert starts == [e["run"] for e in ends]
        assert all(e["state"] == "done" and e["reason"] == "loss" and e["wall"] > 0
                   for e in ends)
        ended += starts
    assert sorted(ended) == list(range(8))


def test_a_torn_line_is_left_behind_and_the_next_begins_anew(tmp_path):
    sweep, out = write(tmp_path / "s.yaml", SWEEP), tmp_path / "out"
    assert htflow("run", sweep, "--out", out).returncode == 0
    path, lines = next(events(out))
    with path.open("a") as file:
        file.write('{"time":17')
    assert htflow("run", sweep, "--out", out).returncode == 0
    again = path.read_text().splitlines()
    assert again[len(lines)] == '{"time":17'
    assert [json.loads(line)["event"] for line in again[len(lines) + 1:]] == ["open", "close"]


def test_a_full_log_makes_room_for_a_new_one(tmp_path):
    sweep, out = write(tmp_path / "s.yaml", SWEEP), tmp_path / "out"
    assert htflow("run", sweep, "--out", out).returncode == 0
    path, _ = next(events(out))
    with path.open("a") as file:
        file.write("\n" * (4 << 20))
    assert htflow("run", sweep, "--out", out).returncode == 0
    assert path.with_suffix(".1.jsonl").stat().st_size > 4 << 20
    assert path.stat().st_size < 1000


def test_a_log_that_cannot_be_written_stops_no_sweep(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "log").write_text("in the way")
    result = htflow("run", write(tmp_path / "s.yaml", SWEEP), "--out", out)
    assert result.returncode == 0
    assert result.stderr.count("the sweep goes on without") == 1
