"""PEP 517 backend that repacks a published Detectron2 wheel as a pure Python one.

The wheel of ``sal-detectron2==0.7.2`` holds upstream's commit a59f0563. Its only compiled module,
``detectron2/_C``, is built for one Python and serves operators that Mask R-CNN does not use
(ROIAlign and NMS come from torchvision), so it is left out. The download is pinned by its sha256.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

SOURCE = "sal-detectron2==0.7.2"
SHA256 = "491af0c7f79bdb2d178e46f6cb16a97c4ac968d45c41ea3f6b6435d59bbee561"
HERE = Path(__file__).parent


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """Write ``detectron2-<version>-py3-none-any.whl`` into `wheel_directory`; return its name."""
    with tempfile.TemporaryDirectory() as folder:
        root = _unpack(_download(Path(folder)), Path(folder) / "unpacked")
        shutil.rmtree(root / "tools")
        for compiled in (root / "detectron2").glob("_C*"):
            compiled.unlink()
        _write_metadata(next(root.glob("*.dist-info")))
        _run("wheel", "pack", root, "--dest-dir", wheel_directory)
    return f"detectron2-{_project()['version']}-py3-none-any.whl"


def build_sdist(sdist_directory, config_settings=None):
    """Not offered: there is nothing of ours in the package to distribute as source."""
    raise NotImplementedError("build a wheel; this shim has no source distribution")


def _download(folder: Path) -> Path:
    platform = ["--python-version", "3.10", "--implementation", "cp", "--abi", "none", "--platform", "any"]
    _run("pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", *platform, "--dest", folder, SOURCE)
    wheel = next(folder.glob("*.whl"))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if digest != SHA256:
        raise RuntimeError(f"{wheel.name}: sha256 {digest}, expected {SHA256}")
    return wheel


def _unpack(wheel: Path, folder: Path) -> Path:
    _run("wheel", "unpack", wheel, "--dest", folder)
    return next(folder.iterdir())


def _write_metadata(dist_info: Path) -> None:
    """Give the unpacked wheel our name, version, tag and requirements; `wheel pack` redoes RECORD."""
    project = _project()
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {project['name']}",
        f"Version: {project['version']}",
        f"Summary: {project['description']}",
        "License: Apache-2.0",
        f"Requires-Python: {project['requires-python']}",
        *(f"Requires-Dist: {requirement}" for requirement in project["dependencies"]),
    ]
    (dist_info / "METADATA").write_text("\n".join(lines) + "\n")
    tags = "Wheel-Version: 1.0\nGenerator: detectron2-repack\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    (dist_info / "WHEEL").write_text(tags)
    (dist_info / "top_level.txt").write_text("detectron2\n")
    dist_info.rename(dist_info.with_name(f"{project['name']}-{project['version']}.dist-info"))


def _project() -> dict:
    return tomllib.loads((HERE / "pyproject.toml").read_text())["project"]


def _run(module: str, *arguments) -> None:
    subprocess.run([sys.executable, "-m", module, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)
