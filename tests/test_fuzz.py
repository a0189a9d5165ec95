"""The fuzzer, for seconds; and that it finds what is wrong."""

import sys
from pathlib import Path

import pytest

from grader.sandbox.protocol import wire
from grader.submissions import archives, intake

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))

import fuzz


def tried(tmp_path, frames=0, archives=0, seed=1):
    tally = fuzz.Tally()
    numbers = {"frame": range(frames), "archive": range(archives)}
    fuzz.fuzz(numbers, seed, tally, tmp_path / "findings")
    return tally


def test_hostile_frames_and_archives_end_in_an_answer_or_a_reason(tmp_path):
    tally = tried(tmp_path, frames=1500, archives=250)
    assert tally.findings == []
    assert tally.cases == {"frame": 1500, "archive": 250}
    frames, archives = (" ".join(tally.outcomes[kind]) for kind in ("frame", "archive"))
    for outcome in ("a reply", "an error", "JSONDecodeError", "SafetensorError", "truncated frame"):
        assert outcome in frames
    for outcome in ("alone: read", "as a class: read", "cannot be read", "safe name", "is a link"):
        assert outcome in archives
    assert not (tmp_path / "findings").exists()


def test_hostile_notebooks_end_in_a_module_or_a_reason(tmp_path):
    tally = fuzz.Tally()
    fuzz.fuzz({"notebook": range(80)}, 1, tally, tmp_path / "findings")
    assert tally.findings == []
    assert {"a module", "no module"} <= set(tally.outcomes["notebook"])


def test_a_seed_and_a_number_make_one_case(tmp_path):
    first, second = tried(tmp_path, frames=200, archives=50), tried(tmp_path, 200, 50)
    assert first.outcomes == second.outcomes
    assert first.outcomes != tried(tmp_path, 200, 50, seed=2).outcomes


def lets_errors_through(monkeypatch):
    monkeypatch.setattr(wire, "decode", lambda header, payload: wire.json.loads(header))


def takes_any_byte_for_a_boolean(monkeypatch):
    def load(payload):
        arrays = wire.load(payload) if payload else {}
        return {k: v for k, v in arrays.items() if v.dtype.name in wire._DTYPES}

    monkeypatch.setattr(wire, "_load", load)


def takes_any_name(monkeypatch):
    monkeypatch.setattr(archives, "_UNSAFE", archives.re.compile("(?!)"))


def gives_no_reason(monkeypatch):
    monkeypatch.setattr(intake, "_nothing", lambda *given: "")


def reads_twice_as_much(monkeypatch):
    real = intake.read_one
    monkeypatch.setattr(intake, "read_one", lambda source: [bytes(200 << 20), real(source)][1])


def takes_its_time(monkeypatch):
    monkeypatch.setattr(fuzz, "SECONDS", 0.0)


def never_ends(monkeypatch):
    def circle(*arguments):
        while True:
            pass

    monkeypatch.setattr(fuzz, "HANG_SECONDS", 0.2)
    monkeypatch.setattr(intake, "assemble", circle)


PLANTED = {
    lets_errors_through: ("raised JSONDecodeError", 100, 0),
    takes_any_byte_for_a_boolean: ("gave a boolean of another byte", 3000, 0),
    takes_any_name: ("gave the path", 0, 200),
    gives_no_reason: ("gave a reason that is no sentence", 0, 50),
    reads_twice_as_much: ("allocated 2", 0, 1),
    takes_its_time: ("took", 5, 5),
    never_ends: ("took longer than", 0, 10),
}


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_a_planted_defect_is_found(tmp_path, monkeypatch, capsys, plant):
    plant(monkeypatch)
    finding, frames, archives = PLANTED[plant]
    tally = tried(tmp_path, frames, archives)
    assert any(finding in found for found in tally.findings)
    written = sorted((tmp_path / "findings").iterdir())
    said = capsys.readouterr().out.splitlines()
    assert 0 < len(written) <= len(said) <= fuzz.SHOWN
    assert all(str(file) in "".join(said) for file in written)
    assert all(line.endswith(".") for line in said)


def command(tmp_path, monkeypatch, *arguments):
    monkeypatch.setattr(fuzz, "_limit_memory", lambda: None)  # of the tests' own process
    monkeypatch.setattr(sys, "argv", ["fuzz.py", "--out", str(tmp_path / "out"), *arguments])
    return fuzz.main()


def test_the_command_counts_and_fails_where_it_finds_something(tmp_path, monkeypatch, capsys):
    few = ("--frames", "50", "--archives", "20", "--notebooks", "5")
    assert command(tmp_path, monkeypatch, *few) == 0
    said = capsys.readouterr().out
    for words in ("50 frames", "20 archives", "slowest", "most allocated", "\n0 findings\n"):
        assert words in said
    lets_errors_through(monkeypatch)
    assert command(tmp_path, monkeypatch, *few) == 1
    said = capsys.readouterr().out
    number = next(iter((tmp_path / "out").iterdir())).stem.rpartition("-")[2]
    assert command(tmp_path, monkeypatch, "--only", f"frame:{number}") == 1
    assert capsys.readouterr().out.splitlines()[0] in said


def test_an_interrupt_prints_what_was_done(tmp_path, monkeypatch, capsys):
    real = fuzz.run

    def interrupted(kind, number, *others):
        if number == 7:
            raise KeyboardInterrupt
        real(kind, number, *others)

    monkeypatch.setattr(fuzz, "run", interrupted)
    assert command(tmp_path, monkeypatch, "--frames", "50") == 130
    said = capsys.readouterr().out
    assert "7 frames" in said
    assert said.endswith("interrupted\n")
