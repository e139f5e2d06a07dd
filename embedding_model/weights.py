"""Starting the encoder from weights: a local file, or those that timm publishes for ImageNet."""

from pathlib import Path

import timm
from huggingface_hub import hf_hub_download
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from benchmark.engine.pretrained import Loaded, copy_fitting, fetched, sha256_of
from datasets.errors import InputError, one_line
from embedding_model.network import NetworkSettings

IMAGENET = "imagenet"

FILE = "model.safetensors"
"""Of a model that timm publishes."""


def load_encoder_weights(encoder: nn.Module, settings: NetworkSettings) -> Loaded:
    """Copy the weights that `settings` names into `encoder`.

    What the file has beyond the encoder (a classifier) is left out. Normalisation layers keep their initial values
    where the file's are of another kind (BatchNorm's in the file, GroupNorm here), and so does a first convolution for
    another number of channels. Raises InputError if the file cannot be had or read, or nothing in it fits.
    """
    if settings.encoder_weights != IMAGENET:
        path = Path(settings.encoder_weights or "")
        return _copy(encoder, path, str(path), None)
    name = settings.encoder.removeprefix("tu-")
    published = timm.get_pretrained_cfg(name, allow_unregistered=False) if name != settings.encoder else None
    if published is None or not published.hf_hub_id:
        raise InputError(f"encoder weights {IMAGENET}: timm publishes none for {settings.encoder}, expected a file")
    path, digest = fetched(f"encoder weights {IMAGENET}", f"{published.hf_hub_id}/{FILE}",
                           lambda: _fetch(published.hf_hub_id))  # fmt: skip
    return _copy(encoder, path, f"{published.hf_hub_id}/{FILE}", digest)


def _fetch(repository: str) -> Path:
    """From where timm fetches; the cache there names a file by the hash that the publisher states."""
    path = Path(hf_hub_download(repository, FILE))
    stated, digest = path.resolve().name, sha256_of(path)
    if len(stated) == len(digest) and stated != digest:
        raise OSError(f"{path}: found SHA-256 {digest}, expected {stated}; delete it")
    return path


def _copy(encoder: nn.Module, path: Path, source: str, digest: str | None) -> Loaded:
    try:
        given = load_file(path)
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"{path}: expected a readable safetensors file of encoder weights, found: {one_line(error)}"
        ) from None
    return copy_fitting(encoder, given, source, digest or sha256_of(path), _common_name)


def _common_name(name: str) -> str:
    """timm writes "blocks.0" in a file and "blocks_0" in a feature extractor; the wrapper puts "model." before it."""
    head, dot, last = name.removeprefix("model.").rpartition(".")
    return f"{head.replace('_', '.')}{dot}{last}"
