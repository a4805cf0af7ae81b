"""A data directory has one owner, keeps its secrets to itself, and remembers its ports."""

import json
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from embedded import ports
from embedded.data_directory import Ports, local_secrets, sole_owner, write_json
from embedded.errors import DataDirectoryInUseError, EmbeddedError, PortTakenError
from embedded.ports import LOOPBACK, free_port, is_free

ROOT = Path(__file__).parents[2]


def test_two_supervisors_do_not_share_a_directory(tmp_path: Path) -> None:
    with (
        sole_owner(tmp_path),
        pytest.raises(DataDirectoryInUseError, match=r"in use by process \d"),
        sole_owner(tmp_path),
    ):
        pass
    with sole_owner(tmp_path):
        pass


def test_a_killed_owner_leaves_the_directory_free(tmp_path: Path) -> None:
    code = f"""
import os, signal
from pathlib import Path
from embedded import ports
from embedded.data_directory import sole_owner
with sole_owner(Path({str(tmp_path)!r})):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, timeout=30)
    with sole_owner(tmp_path):
        assert (tmp_path / "lock").read_text().isdecimal()


def test_secrets_are_made_once_and_are_private(tmp_path: Path) -> None:
    first = local_secrets(tmp_path)
    assert local_secrets(tmp_path) == first
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600
    assert len(bytes.fromhex(first["MASTER_KEY"])) == 32
    assert len(first["JWT_SECRET_KEY"]) >= 32


def test_a_secret_that_an_older_version_lacked_is_added(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text(json.dumps({"MASTER_KEY": "kept"}))
    assert local_secrets(tmp_path)["MASTER_KEY"] == "kept"
    assert local_secrets(tmp_path)["JWT_SECRET_KEY"]


@pytest.mark.parametrize("content", ["{half", "[]"])
def test_a_damaged_file_is_never_overwritten(content: str, tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    file.write_text(content)
    with pytest.raises(EmbeddedError, match=r"secrets\.json .* restore it from a backup"):
        local_secrets(tmp_path)
    assert file.read_text() == content


def test_a_write_leaves_no_other_file_behind(tmp_path: Path) -> None:
    write_json(tmp_path / "run.json", {"api": "http://127.0.0.1:8000"})
    assert [file.name for file in tmp_path.iterdir()] == ["run.json"]


def test_free_ports_lie_below_those_of_outgoing_connections() -> None:
    assert all(15_000 <= free_port() <= 32_000 for _ in range(50))
    with socket.create_server((LOOPBACK, free_port())) as server:
        assert not is_free(server.getsockname()[1])


def test_a_port_that_another_process_has_chosen_and_not_used_yet_is_not_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two suites side by side: one's worker could not listen, as the other had looked at that moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as theirs:
        theirs.bind((LOOPBACK, 0))
        port = theirs.getsockname()[1]
        monkeypatch.setattr(ports, "LOWEST", port)
        monkeypatch.setattr(ports, "HIGHEST", port)
        with pytest.raises(PortTakenError):
            free_port()
    assert free_port() == port


def test_a_port_is_remembered_while_it_is_free(tmp_path: Path) -> None:
    port = Ports(tmp_path).of("mongodb")
    assert Ports(tmp_path).of("mongodb") == port
    with socket.create_server((LOOPBACK, port)):
        assert Ports(tmp_path).of("mongodb") != port
