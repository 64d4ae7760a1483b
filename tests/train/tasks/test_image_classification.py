"""A label for each picture, over a tiny ViT and a tiny ResNet; transformers' own processor is the judge of pixels."""

import io
import json

import numpy as np
import pytest
import torch
from PIL import Image

from adapterhub.errors import Corrupt, DoesNotFit, NotFound, WrongUsage
from adapterhub.train.tasks.pixels import eye_of
from adapterhub.train.tasks.table import prepare
from tests.train.tasks.builders import SMALL, asked, edit_config, learns, save_model, table

RNG = np.random.default_rng(0)
BRIGHT = [RNG.integers(200 * (i % 2), 56 + 200 * (i % 2), (8, 8), dtype=np.uint8) for i in range(6)]
ROWS = table({"image": BRIGHT, "label": [str(i % 2) for i in range(6)]}, "digits.npz")


def save_vit(folder, **options):
    from transformers import ViTConfig, ViTForImageClassification

    torch.manual_seed(0)
    sizes = {"image_size": 8, "patch_size": 4, "num_channels": 1, **SMALL, **options}
    return save_model(folder, ViTForImageClassification(ViTConfig(**sizes)))


@pytest.fixture
def base(tmp_path):
    return save_vit(tmp_path / "vit", num_labels=3)


def opened(base, rows=ROWS):
    task = prepare(asked("image-classification", base), base, rows)
    torch.manual_seed(0)
    return task, task.open(base).eval()


def test_the_loss_is_the_models_own_times_the_count(base):
    task, model = opened(base)
    batch = task.collate(task.examples(ROWS))
    total, count = task.loss(model, batch)
    assert count == 6
    torch.testing.assert_close(total / count, model(**batch["inputs"], labels=batch["labels"]).loss)


def test_it_learns(base):
    task, model = opened(base)
    before, after = learns(task, model, ROWS)
    assert after < before / 2
    assert task.heads(model) == ("classifier",)


def test_a_convolutional_base_has_its_head_found(tmp_path):
    from transformers import ResNetConfig, ResNetForImageClassification

    config = ResNetConfig(num_channels=1, embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic")
    base = save_model(tmp_path, ResNetForImageClassification(config))
    task, model = opened(base)
    assert task.heads(model) == ("classifier",)
    assert task.collate(task.examples(ROWS))["inputs"]["pixel_values"].shape == (6, 1, 224, 224)


def test_pixels_without_a_processors_config_are_between_minus_one_and_one(base):
    values = eye_of(base)(np.array([[0, 255] * 4] * 8, np.uint8), "here")
    assert values.shape == (1, 8, 8)
    assert values.dtype == np.float32
    assert np.unique(values).tolist() == [-1, 1]


@pytest.mark.parametrize(
    "options",
    [
        {"size": {"height": 12, "width": 10}, "image_mean": [0.1, 0.2, 0.3], "image_std": [0.5, 0.4, 0.3]},
        {
            "size": {"shortest_edge": 12},
            "do_center_crop": True,
            "crop_size": {"height": 10, "width": 10},
            "resample": 3,
        },
        {"size": {"height": 8, "width": 8}, "do_normalize": False},
        {"size": {"height": 8, "width": 8}, "do_rescale": False, "image_mean": [1, 2, 3], "image_std": [9, 9, 9]},
    ],
    ids=["squeezed", "cropped", "not normalised", "not scaled"],
)
def test_pixels_are_those_of_transformers_own_processor(tmp_path, options):
    from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

    base = save_vit(tmp_path, num_channels=3)
    processor = ViTImageProcessorPil(**options)
    (base / "preprocessor_config.json").write_text(json.dumps(processor.to_dict(), default=list))
    picture = RNG.integers(0, 256, (15, 21, 3), dtype=np.uint8)
    theirs = processor(Image.fromarray(picture), return_tensors="np")["pixel_values"][0]
    np.testing.assert_allclose(eye_of(base)(picture, "here"), theirs, atol=1e-5)


def test_a_file_its_bytes_and_its_array_are_one_picture(base, tmp_path):
    place = tmp_path / "one.png"
    Image.fromarray(BRIGHT[0]).save(place)
    cells = [place, str(place), place.read_bytes(), {"bytes": place.read_bytes(), "path": None}, BRIGHT[0]]
    task, _ = opened(base)
    values = task.collate(task.examples(table({"image": cells, "label": ["0"] * 5})))["inputs"]["pixel_values"]
    assert all(torch.equal(values[0], one) for one in values[1:])


def test_colours_become_what_the_base_sees(base):
    colours = RNG.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    grey = Image.fromarray(colours).convert("L").resize((8, 8), Image.Resampling.BILINEAR)
    np.testing.assert_allclose(eye_of(base)(colours, "here")[0], np.asarray(grey) / 127.5 - 1, atol=1e-6)


def test_sixteen_bits_are_scaled_and_not_cut_off(base, tmp_path):
    deep = RNG.integers(0, 1 << 16, (8, 8), dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    values = eye_of(base)(tmp_path / "deep.png", "here")
    np.testing.assert_allclose(values[0], (deep >> 8) / 127.5 - 1, atol=1e-6)


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 1), (1, 8, 8)])
def test_floats_are_given_to_the_model_as_they_are(base, shape):
    values = RNG.normal(size=(8, 8))
    np.testing.assert_array_equal(eye_of(base)(values.reshape(shape), "here")[0], values.astype(np.float32))


def file(folder, data):
    (folder / "bad.png").write_bytes(data)
    return folder / "bad.png"


def test_what_is_no_picture_has_its_place_before_anything_runs(base, tmp_path):
    task, _ = opened(base)
    for cell, kind, told in [
        (file(tmp_path, b"no picture"), Corrupt, "no picture that can be read"),
        ("nowhere.png", NotFound, "there is no picture 'nowhere.png'"),
        (7, WrongUsage, "wanted a picture, got int"),
    ]:
        with pytest.raises(kind, match=f"train.csv, line 2: {told}"):
            task.examples(table({"image": [cell], "label": ["0"]}))


def test_a_picture_that_is_cut_short_has_its_place(base, tmp_path):
    whole = io.BytesIO()
    Image.fromarray(RNG.integers(0, 256, (64, 64), dtype=np.uint8)).save(whole, "PNG")
    task, _ = opened(base)
    examples = task.examples(table({"image": [file(tmp_path, whole.getvalue()[:900])], "label": ["0"]}))
    with pytest.raises(Corrupt, match=r"train.csv, line 2"):
        task.collate(examples)


@pytest.mark.parametrize(
    ("pixels", "told"),
    [(np.zeros((9, 9)), r"shape \(9, 9\), the base takes \(1, 8, 8\)"), (np.zeros((8, 8), int), "int64")],
)
def test_pixels_the_base_cannot_take_have_their_place(base, pixels, told):
    with pytest.raises(WrongUsage, match=f"here: .*{told}"):
        eye_of(base)(pixels, "here")


def test_a_base_with_strange_channels_is_refused(base):
    edit_config(base, num_channels=5)
    with pytest.raises(DoesNotFit, match="5 channels"):
        eye_of(base)


def test_a_checkpoint_transformers_trips_over_is_told(base, monkeypatch):
    from transformers import AutoModelForImageClassification

    task = prepare(asked("image-classification", base), base, ROWS)

    def trip(*_, **__):
        raise RuntimeError("issues during automatic conversion")

    monkeypatch.setattr(AutoModelForImageClassification, "from_pretrained", trip)
    with pytest.raises(DoesNotFit, match="transformers reads no model here: issues during automatic conversion"):
        task.open(base)


@pytest.mark.parametrize(("kind", "told"), [(np.float32, "floats"), (np.int32, "whole numbers of 32 bits")])
def test_pixels_without_a_known_range_are_refused_and_not_clipped(base, tmp_path, kind, told):
    Image.fromarray(np.ones((8, 8), kind)).save(tmp_path / "wide.tiff")
    task, _ = opened(base)
    with pytest.raises(WrongUsage, match=f"line 2: its pixels are {told}"):
        task.examples(table({"image": [tmp_path / "wide.tiff"], "label": ["0"]}))


@pytest.mark.parametrize("shape", [(3,), (0, 8), (8, 8, 2), (0, 0, 3), (3, 8, 8), (8, 8, 3, 1)])
def test_an_array_that_is_no_picture_is_refused_by_its_shape(base, shape):
    task, _ = opened(base)
    with pytest.raises(WrongUsage, match="line 2: pixels of shape"):
        task.examples(table({"image": [np.zeros(shape, np.uint8)], "label": ["0"]}))


def test_of_many_files_that_are_none_eight_are_named_at_once(base, tmp_path):
    cells = [file(tmp_path, b"none")] * 9 + [BRIGHT[0]]
    task, _ = opened(base)
    with pytest.raises(
        Corrupt, match=r"^9 of 10 rows: train.csv, line 2: no picture.*; train.csv, line 9: .*; …$"
    ) as told:
        task.examples(table({"image": cells, "label": ["0"] * 10}))
    assert "line 10" not in str(told.value)
    assert told.value.hint
