"""The encoder's weights from a file, and from a stand-in for the server that timm fetches from."""

import hashlib
from dataclasses import replace as replaced

import huggingface_hub
import pytest
import timm
import torch
from safetensors.torch import save, save_file
from torch import nn

from benchmark.engine.pretrained import start_from
from benchmark.runs.manifest import read_manifest, write_run_manifest
from datasets.errors import InputError
from embedding_model.network import LayeredEmbeddingNetwork
from embedding_model.weights import load_encoder_weights
from tests.embedding_model.test_network import SMALL, replace
from tests.loopback import serving


def encoder(settings):
    return LayeredEmbeddingNetwork(settings, 2, 3).encoder


def test_a_file(tmp_path):
    source = encoder(SMALL)
    nn.init.normal_(source.bn1.running_mean)
    path = tmp_path / "encoder.safetensors"
    save_file({**source.state_dict(), "fc.weight": torch.zeros(10, 512)}, path)
    batch, settings = encoder(SMALL), replace(encoder_weights=str(path))
    loaded = load_encoder_weights(batch, settings)
    assert all(torch.equal(batch.state_dict()[name], tensor) for name, tensor in source.state_dict().items())
    assert loaded.misfits == ("fc.weight: found shape (10, 512), expected no such tensor",)
    # with GroupNorm only the convolutions fit
    group = encoder(replace(normalization="group"))
    loaded = load_encoder_weights(group, settings)
    assert torch.equal(group.layer1[0].conv1.weight, source.layer1[0].conv1.weight)
    assert torch.equal(group.bn1.weight, torch.ones(64))
    assert "bn1.weight: found another kind of normalisation" in loaded.misfits


def test_timm_s_names(tmp_path):
    model = timm.create_model("resnet18", in_chans=1)
    path = tmp_path / "encoder.safetensors"
    save_file(model.state_dict(), path)
    settings = replace(encoder="tu-resnet18", encoder_weights=str(path))
    own = encoder(settings)
    load_encoder_weights(own, settings)
    assert torch.equal(own.model.layer4[1].conv2.weight, model.layer4[1].conv2.weight)
    assert torch.equal(own.model.bn1.running_var, model.bn1.running_var)


def test_wrong_files(tmp_path):
    path = tmp_path / "encoder.safetensors"
    path.write_bytes(b"not a safetensors file")
    own, settings = encoder(SMALL), replace(encoder_weights=str(path))
    with pytest.raises(InputError, match=r"encoder\.safetensors"):
        load_encoder_weights(own, settings)
    save_file({"conv1.weight": torch.zeros(64, 3, 7, 7)}, path)
    with pytest.raises(InputError, match=r"conv1\.weight: found shape \(64, 3, 7, 7\), expected shape \(64, 1, 7, 7\)"):
        load_encoder_weights(own, settings)
    with pytest.raises(InputError, match=r"missing\.safetensors"):
        load_encoder_weights(own, replace(encoder_weights=str(tmp_path / "missing.safetensors")))


class TestImagenet:
    SETTINGS = replace(encoder="tu-resnet18", encoder_weights="imagenet")

    @pytest.fixture
    def hub(self, tmp_path, monkeypatch):
        """The files of the server."""
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        files: dict[str, bytes] = {}
        with serving(files) as address:
            monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", address.rstrip("/"))
            monkeypatch.setattr(
                huggingface_hub.constants,
                "HUGGINGFACE_CO_URL_TEMPLATE",
                address + "{repo_id}/resolve/{revision}/{filename}",
            )
            yield files

    def test_what_fits_is_copied_and_the_manifest_says_what_does_not(self, hub, tmp_path, smoke_run, capsys):
        """One input channel in place of three: the first convolution stays random."""
        published = timm.get_pretrained_cfg("resnet18").hf_hub_id
        content = save(
            {"conv1.weight": torch.zeros(64, 3, 7, 7), "layer1.0.conv1.weight": torch.full((64, 64, 3, 3), 0.5)}
        )
        hub[f"{published}/resolve/main/model.safetensors"] = content
        own = encoder(self.SETTINGS)
        start_from(smoke_run, lambda: load_encoder_weights(own, self.SETTINGS))
        assert (own.model.layer1[0].conv1.weight == 0.5).all()
        write_run_manifest(smoke_run, finished=False)
        noted = read_manifest(smoke_run.folder)["initial_weights"]
        assert (noted["tensors"], noted["sha256"]) == (1, hashlib.sha256(content).hexdigest())
        assert noted["source"] == f"{published}/model.safetensors"
        assert any(text.startswith("model.conv1.weight: found shape (64, 3, 7, 7), expected shape (64, 1, 7, 7)")
                   for text in noted["misfits"])  # fmt: skip
        assert "1 tensors loaded" in capsys.readouterr().err
        smoke_run.checkpoint.write_text("")
        start_from(smoke_run, lambda: pytest.fail("a run that goes on needs no initial weights"))

    def test_without_a_network_one_line_says_what_to_do(self, hub):
        with pytest.raises(InputError, match=r"encoder weights imagenet: cannot be fetched .* give the file") as error:
            load_encoder_weights(encoder(self.SETTINGS), self.SETTINGS)
        assert "\n" not in str(error.value)
        with pytest.raises(InputError, match="timm publishes none for resnet18"):
            load_encoder_weights(encoder(SMALL), replaced(SMALL, encoder_weights="imagenet"))


@pytest.fixture
def smoke_run(tmp_path):
    from benchmark.adapter import Run
    from datasets.scene import SceneParameters
    from embedding_model.presets import PRESETS

    (tmp_path / "run").mkdir()
    return Run(tmp_path / "run", "layered-embedding", "smoke", PRESETS["smoke"], SceneParameters((2, 2, 2)))
