"""The command line of operators and auditors, against real servers."""

import asyncio
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from bson import ObjectId
from nats.aio.client import Client
from pymongo import AsyncMongoClient, MongoClient
from typer.testing import CliRunner, Result

from bootstrap import open_services
from cli import app
from dependencies.reading import ReadingServices
from domain.accounts import Account, Profile
from domain.ports.events import CommandContext
from embedded.given import Given
from operators.local_shop import stand_beside
from operators.running import console
from settings import Settings
from tests.samples import settings_for_tests
from worker import Tasks, work

ROOT = Path(__file__).parents[1]
MEERA = "a" * 24
ASHA = "b" * 24
UNKNOWN = "0" * 24


@dataclass(frozen=True)
class Books:
    """A shop with a little history: its environment, its database, the position of its last event."""

    environment: dict[str, str]
    database: str
    last: int


@pytest.fixture(scope="module")
async def books(
    mongodb_url: str,
    mongo_client: AsyncMongoClient[dict[str, Any]],
    nats_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Books]:
    name = f"test_{secrets.token_hex(8)}"
    base, _, options = mongodb_url.partition("?")
    told = {
        "mongodb_url": f"{base.rpartition('/')[0]}/{name}?{options}",
        "nats_url": nats_url,
        "nats_stream": f"CLI_{secrets.token_hex(8)}",
        "data_dir": str(tmp_path_factory.mktemp("cli")),
    }
    settings = settings_for_tests(**told)
    last = await _history(settings)
    yield Books(_environment(settings, told), name, last)
    await mongo_client.drop_database(name)
    await mongo_client.drop_database(f"{name}_keys")
    broker = Client()
    await broker.connect(nats_url)
    await broker.jetstream().delete_stream(told["nats_stream"])
    await broker.close()


def _environment(settings: Settings, told: dict[str, str]) -> dict[str, str]:
    secret = {
        "JWT_SECRET_KEY": settings.jwt_secret_key,
        "MASTER_KEY": settings.master_key,
        "RAZORPAY_KEY_SECRET": settings.razorpay_key_secret,
    }
    return (
        {name.upper(): value for name, value in told.items()}
        | {name: value.get_secret_value() for name, value in secret.items() if value}
        | {"RAZORPAY_KEY_ID": "rzp_test_1", "COLUMNS": "240", "NO_COLOR": "1"}
    )


async def _history(settings: Settings) -> int:
    """Two people; one of them changes her name three times. The worker gives each event its place."""
    async with open_services(settings, role="worker") as services:
        tasks = Tasks()
        working = asyncio.create_task(work(services, tasks=tasks))
        last = 0
        for person in (MEERA, ASHA):
            last = await _append(services, _registered(person))
        for number in range(3):
            account: Account = await services.store.load(Account, MEERA)
            account.change_profile(Profile(first_name=f"Meera {number}"))
            last = await _append(services, account)
        tasks.stop.set()
        await working
        return last


def _registered(person: str) -> Account:
    return Account.register(
        person,
        email=f"{person}@example.com",
        mobile=None,
        first_name="Meera",
        last_name="",
        password_hash="none",
    )


async def _append(services: ReadingServices, account: Account) -> int:
    events: Any = account.collect_events()
    context = CommandContext(command="ChangeProfile", actor="system", correlation="test")
    commit = await services.store.append(events, context)
    place = await services.consistency.wait_for_commit(commit.id, seconds=20, events=commit.events)
    assert place is not None
    return place


@pytest.fixture
def run(books: Books, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """`python -m cli …` in this process."""
    monkeypatch.chdir(tmp_path)  # no .env of the user's
    for name, value in books.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(console, "width", 240)

    def cli(*arguments: str, answer: str = "") -> Result:
        return CliRunner().invoke(app, arguments, input=answer)

    return cli


# --- Beside `make run` ---------------------------------------------------------------------------


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data directory of a shop that runs here; the user has set nothing but the place of it."""
    monkeypatch.chdir(tmp_path)
    for name in Given.model_fields:
        monkeypatch.setenv(name.upper(), "")  # also puts back what a test lets be set
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    addresses = {"api": "http://a", "mongodb": "mongodb://m", "nats": "nats://n", "gateway": "g"}
    (tmp_path / "run.json").write_text(json.dumps(addresses))
    (tmp_path / "secrets.json").write_text(json.dumps({"MASTER_KEY": "5a", "ADMIN_PASSWORD": "p"}))
    return tmp_path


def test_commands_find_the_shop_that_runs_here(beside: Path) -> None:
    stand_beside()
    assert os.environ["MONGODB_URL"] == "mongodb://m"
    assert os.environ["NATS_URL"] == "nats://n"
    assert os.environ["MASTER_KEY"] == "5a"
    assert os.environ["REDIS_URL"] == ""


def test_what_the_user_has_set_counts(beside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONGODB_URL", "mongodb://elsewhere/shop")
    (beside / ".env").write_text("MASTER_KEY=theirs\n")
    monkeypatch.delenv("MASTER_KEY")
    stand_beside()
    assert os.environ["MONGODB_URL"] == "mongodb://elsewhere/shop"
    assert "MASTER_KEY" not in os.environ
    assert os.environ["NATS_URL"] == "nats://n"


def test_without_a_shop_nothing_is_taken(beside: Path) -> None:
    (beside / "run.json").unlink()
    stand_beside()
    assert os.environ["MASTER_KEY"] == ""


def test_a_file_that_is_spoilt_is_told_in_a_sentence(beside: Path) -> None:
    (beside / "run.json").write_text("{")
    told = subprocess.run(
        [sys.executable, "-m", "cli", "doctor"],
        cwd=ROOT,
        env={"DATA_DIR": str(beside)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert told.returncode == 1
    assert "run.json is not readable" in told.stderr
    assert len(told.stderr.splitlines()) == 1


# --- History -------------------------------------------------------------------------------------


def test_a_stream_is_told_event_by_event(run: Any) -> None:
    told = run("audit", "history", f"account-{MEERA}")
    assert told.exit_code == 0, told.output
    assert told.stdout.count("ProfileChanged") == 3
    assert told.stdout.index("AccountRegistered") < told.stdout.index("ProfileChanged")
    assert "Meera" not in told.stdout


def test_a_stream_is_told_to_programs_as_a_line_an_event(run: Any) -> None:
    told = run("audit", "history", f"account-{MEERA}", "--json")
    rows = [json.loads(line) for line in told.stdout.splitlines()]
    assert [row["version"] for row in rows] == [1, 2, 3, 4]
    assert all({"position", "time", "actor", "data", "hash"} <= row.keys() for row in rows)


def test_a_stream_without_events_is_said_to_have_none(run: Any) -> None:
    told = run("audit", "history", f"order-{UNKNOWN}")
    assert told.exit_code == 1
    assert f"no events of order-{UNKNOWN}" in told.stderr


def test_a_thing_is_shown_as_it_was(run: Any) -> None:
    rows = run("audit", "history", f"account-{MEERA}", "--json").stdout.splitlines()
    positions = [json.loads(row)["position"] for row in rows]
    names = []
    for position in positions:
        shown = run("audit", "as-of", f"account-{MEERA}", "--position", str(position))
        assert shown.exit_code == 0, shown.output
        names.append(json.loads(shown.stdout)["version"])
    assert names == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("as-of", f"account-{ASHA}", "--position", "1"), "had no events up to position 1"),
        (("as-of", "nonsense-1", "--position", "1"), "is no stream of ours"),
    ],
)
def test_what_was_not_there_is_said_in_a_sentence(
    run: Any, arguments: tuple[str, ...], sentence: str
) -> None:
    told = run("audit", *arguments)
    assert told.exit_code == 2
    assert sentence in told.stderr
    assert "Traceback" not in told.output


# --- Proof ---------------------------------------------------------------------------------------


def head_of(told: Result) -> str:
    return str(told.stdout.rpartition("keep this head: ")[2].strip())


def test_an_untouched_ledger_is_intact_and_gives_a_head_to_keep(run: Any, books: Books) -> None:
    told = run("audit", "verify")
    assert told.exit_code == 0, told.output
    assert f"{books.last} events" in told.stdout
    again = run("audit", "verify", "--head", head_of(told), "--no-jetstream")
    assert again.exit_code == 0


@pytest.mark.parametrize("head", ["1", "x:" + "0" * 64, "1:abc", ""])
def test_a_head_that_is_none_is_refused(run: Any, head: str) -> None:
    told = run("audit", "verify", "--head", head)
    assert told.exit_code == 2
    assert "a head is the number of a block" in told.stderr


@pytest.mark.parametrize(("block", "check"), [(1, "anchor"), (10_000, "truncated")])
def test_a_ledger_that_does_not_have_the_kept_head_was_changed(
    run: Any, block: int, check: str
) -> None:
    told = run("audit", "verify", "--head", f"{block}:{'0' * 64}")
    assert told.exit_code == 1
    assert check in told.stderr


@contextmanager
def tampered(books: Books, collection: str, change: dict[str, Any] | None) -> Iterator[None]:
    """One document changed, or taken away, behind the shop's back; put right again afterwards."""
    client: MongoClient[dict[str, Any]] = MongoClient(books.environment["MONGODB_URL"])
    with client:
        place = client[books.database][collection]
        original = place.find_one(sort=[("_id", 1)])
        assert original is not None
        if change is None:
            place.delete_one({"_id": original["_id"]})
        else:
            place.update_one({"_id": original["_id"]}, {"$set": change})
        yield
        place.replace_one({"_id": original["_id"]}, original, upsert=True)


@pytest.mark.parametrize(
    ("collection", "change", "check"),
    [
        ("commits", {"actor": "somebody-else"}, "leaf"),
        ("commits", {"events.0.data": {"account_id": "forged"}}, "leaf"),
        ("commits", None, "missing"),
        ("ledger", {"root": "0" * 64}, "root"),
        ("ledger", {"hash": "0" * 64}, "chain"),
        ("ledger", {"first": 7}, "position"),
        ("ledger", None, "block"),
    ],
)
def test_a_tampered_ledger_is_found_out_and_the_fault_named(
    run: Any, books: Books, collection: str, change: dict[str, Any] | None, check: str
) -> None:
    with tampered(books, collection, change):
        told = run("audit", "verify", "--no-jetstream")
    assert told.exit_code == 1
    assert check in told.stderr
    assert "intact" not in told.stdout
    assert run("audit", "verify", "--no-jetstream").exit_code == 0


def verified_alone(file: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """With nothing of ours: an interpreter without site-packages."""
    script = ROOT / "tools" / "verify_export.py"
    return subprocess.run(
        [sys.executable, "-I", "-S", str(script), str(file), *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_an_export_is_verified_by_whoever_has_python(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "ledger.ndjson"
    told = run("audit", "export", str(file))
    assert told.exit_code == 0, told.output
    sound = verified_alone(file, "--head", head_of(told))
    assert (sound.returncode, sound.stdout[:7]) == (0, "intact:")
    assert head_of(told) in sound.stdout
    assert not list(tmp_path.glob("*.partial"))
    changed = file.read_text().replace('"actor":"system"', '"actor":"nobody"', 1)
    file.write_text(changed)
    unsound = verified_alone(file)
    assert (unsound.returncode, unsound.stdout[:8]) == (1, "CHANGED:")


def test_an_export_cut_short_is_found_out_by_the_head_that_was_kept(
    run: Any, tmp_path: Path
) -> None:
    file = tmp_path / "ledger.ndjson"
    head = head_of(run("audit", "export", str(file)))
    lines = file.read_text().splitlines(keepends=True)
    last_block = max(n for n, line in enumerate(lines) if line.startswith('{"block"'))
    file.write_text("".join(lines[:last_block]))
    assert verified_alone(file).returncode == 0
    assert verified_alone(file, "--head", head).returncode == 1


# --- The stream ----------------------------------------------------------------------------------


def test_the_stream_is_filled_again_from_the_ledger(run: Any, books: Books) -> None:
    assert f"ledger {books.last}, JetStream {books.last}, behind by 0" in (
        run("stream", "status").stdout
    )
    for _ in range(2):
        told = run("stream", "rebuild", "--yes")
        assert told.exit_code == 0, told.output
        assert f"up to position {books.last}" in told.stdout
    assert "behind by 0" in run("stream", "status").stdout
    assert run("audit", "verify").exit_code == 0


def test_the_stream_is_deleted_only_when_it_was_meant(run: Any, books: Books) -> None:
    told = run("stream", "rebuild", answer="n\n")
    assert told.exit_code == 1
    assert f"JetStream {books.last}" in run("stream", "status").stdout


# --- People --------------------------------------------------------------------------------------


def test_a_person_is_forgotten_only_when_it_was_meant(run: Any) -> None:
    told = run("erase-person", MEERA, answer="n\n")
    assert told.exit_code == 1
    shown = run("audit", "as-of", f"account-{MEERA}", "--position", "10000")
    assert "Meera" in shown.stdout


def test_an_unknown_person_cannot_be_forgotten(run: Any) -> None:
    told = run("erase-person", UNKNOWN, "--yes")
    assert told.exit_code == 2
    assert "not-found" in told.stderr


def test_a_forgotten_person_cannot_be_read_as_of_any_position(run: Any, books: Books) -> None:
    before = run("audit", "as-of", f"account-{ASHA}", "--position", str(books.last))
    assert f"{ASHA}@example.com" in before.stdout
    assert run("erase-person", ASHA, "--yes").stdout == "erased\n"
    assert run("erase-person", ASHA, "--yes").stdout == "this person had been erased before\n"
    after = run("audit", "as-of", f"account-{ASHA}", "--position", str(books.last))
    assert after.exit_code == 0
    assert f"{ASHA}@example.com" not in after.stdout
    assert run("audit", "verify", "--no-jetstream").exit_code == 0


# --- Help, and servers that are away ---------------------------------------------------------------


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        yield (*path, name)
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))


TREE: Any = typer.main.get_command(app)


@pytest.mark.parametrize("path", [(), *commands(TREE)], ids=" ".join)
def test_every_command_explains_itself_and_what_it_takes(path: tuple[str, ...]) -> None:
    command = TREE
    for name in path:
        command = command.commands[name]
    assert len(command.help.split()) >= 4
    for parameter in command.params:
        assert getattr(parameter, "help", None), (
            f"{' '.join(path)} does not explain {parameter.name}"
        )
    told = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "200"})
    assert told.exit_code == 0
    assert command.help.split("\n")[0].split(".")[0][:40] in told.output


def test_a_server_that_is_away_is_told_in_a_sentence(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NATS_URL", "nats://127.0.0.1:9")
    monkeypatch.setattr("operators.running.OPEN_SECONDS", 1.0)
    told = run("stream", "status")
    assert told.exit_code == 2
    assert "a server does not answer" in told.stderr
    assert "NATS_URL" in told.stderr


def test_a_program_hears_the_answer_and_no_log(books: Books) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "cli", "stream", "status"],
        cwd=ROOT,
        env=books.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith("ledger ")
    assert len(told.stdout.splitlines()) == 1


# --- Stored files --------------------------------------------------------------------------------

ORPHAN = f"photos/{MEERA}/{'e' * 32}/original.jpg"
FOREIGN = "backups/of-another-program.bin"


@pytest.fixture
def files(books: Books) -> Iterator[Path]:
    """Yesterday's: one that nobody owns and one that is not ours. And a young one."""
    folder = Path(books.environment["DATA_DIR"]) / "objects"
    for key in (ORPHAN, FOREIGN, f"photos/{MEERA}/{'d' * 32}/original.jpg"):
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(b"x" * 1_000_000)
    yesterday = time.time() - 86_400
    for key in (ORPHAN, FOREIGN):
        os.utime(folder / key, (yesterday, yesterday))
    yield folder
    shutil.rmtree(folder)


def test_files_that_nobody_owns_are_told_and_kept(run: Any, files: Path) -> None:
    told = run("objects", "orphans")
    assert told.exit_code == 1, told.output
    assert f"nobody's: {ORPHAN}" in told.stdout
    assert f"unknown: {FOREIGN}" in told.stdout
    rows = [line.replace("│", " ").split() for line in told.stdout.splitlines()]
    assert ["photos", "1", "0", "0", "1", "0", "2.0"] in rows
    assert ["backups", "0", "0", "0", "0", "1", "1.0"] in rows
    assert "1 files are nobody's: --delete" in told.stderr
    assert (files / ORPHAN).is_file()


def test_files_that_nobody_owns_are_removed_when_that_is_asked_for(run: Any, files: Path) -> None:
    told = run("objects", "orphans", "--delete", "--older-than", "2h")
    assert told.exit_code == 0, told.output
    assert "1 files removed" in told.stdout
    left = sorted(str(file.relative_to(files)) for file in files.rglob("*.*") if file.is_file())
    assert left == [FOREIGN, f"photos/{MEERA}/{'d' * 32}/original.jpg"]


def test_a_file_that_is_younger_than_was_asked_for_is_kept(run: Any, files: Path) -> None:
    assert run("objects", "orphans", "--delete", "--older-than", "2d").exit_code == 0
    assert (files / ORPHAN).is_file()


def test_so_many_files_are_named_and_the_rest_counted(
    run: Any, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("operators.objects.TOLD", 0)
    told = run("objects", "orphans")
    assert ORPHAN not in told.stdout
    assert "1 files are nobody's" in told.stderr


def test_an_empty_store_has_no_files(run: Any) -> None:
    told = run("objects", "orphans", "--delete")
    assert told.exit_code == 0, told.output
    assert "there are no files" in told.stdout


@pytest.mark.parametrize(
    ("age", "sentence"),
    [("14m", "a command that runs"), ("0d", "a command that runs"), ("hour", "a number and m")],
)
def test_an_age_is_long_enough_and_has_a_unit(run: Any, age: str, sentence: str) -> None:
    told = run("objects", "orphans", "--older-than", age)
    assert told.exit_code == 2
    assert sentence in told.stderr


@pytest.fixture
def shown(books: Books) -> Iterator[None]:
    """A photograph of which one size is there and one is lost, and an import without its file."""
    client: MongoClient[dict[str, Any]] = MongoClient(books.environment["MONGODB_URL"])
    database = client[books.database]
    urls = {"originalUrl": f"object:{ORPHAN}", "largeUrl": "object:photos/lost.jpg"}
    database["uploadedImages"].insert_one({"_id": ObjectId(), **urls})
    database["importLogs"].insert_one({"_id": ObjectId(), "_key": "", "fileName": "a.csv"})
    nested = {"sizes": [{"url": "object:results/lost.jpg"}], "revision": 1}
    database["tryOnResults"].insert_one({"_id": ObjectId(), **nested})
    database["importLogs"].insert_one({"_id": ObjectId(), "_key": "imports/lost.bin"})
    yield
    for name in ("uploadedImages", "importLogs", "tryOnResults"):
        database[name].delete_many({})
    client.close()


@pytest.mark.usefixtures("files", "shown")
def test_files_that_are_shown_and_missing_are_told(run: Any) -> None:
    told = run("objects", "missing")
    assert told.exit_code == 1, told.output
    assert "4 files are shown, 3 of them are missing" in told.stdout
    for key in ("photos/lost.jpg", "results/lost.jpg", "imports/lost.bin"):
        assert key in told.stdout
    assert ORPHAN not in told.stdout


def test_where_nothing_is_missing_all_is_well(run: Any) -> None:
    told = run("objects", "missing")
    assert told.exit_code == 0, told.output
    assert "0 files are shown, 0 of them are missing" in told.stdout


@pytest.mark.usefixtures("files", "shown")
def test_the_doctor_finds_that_files_are_missing(run: Any) -> None:
    told = run("doctor")
    assert told.exit_code == 1
    (row,) = [line for line in told.stdout.splitlines() if "pictures" in line]
    assert "ill" in row
    assert "3 of the newest files are missing" in row


@pytest.mark.usefixtures("files")
def test_the_doctor_is_content_where_none_is_missing(run: Any) -> None:
    told = run("doctor")
    (row,) = [line for line in told.stdout.splitlines() if "pictures" in line]
    assert "the newest 0 are there" in row


def test_the_doctor_tells_of_files_that_were_too_many_to_be_swept(run: Any, books: Books) -> None:
    client: MongoClient[dict[str, Any]] = MongoClient(books.environment["MONGODB_URL"])
    with client:
        sweeps: Any = client[books.database]["sweeps"]
        sweeps.delete_many({})
        sweeps.insert_many([{"_id": "photos/", "refused": 80}, {"_id": "results/", "refused": 0}])
        told = run("doctor")
        sweeps.delete_many({})
    words = " ".join(told.stdout.replace("│", " ").split())
    assert told.exit_code == 1
    assert "80 in photos/" in words
    assert "results/" not in words
