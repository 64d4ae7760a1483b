"""A label for each sound, over a tiny wav2vec 2.0; scipy is the judge of WAV files."""

import wave

import numpy as np
import pytest
import torch
from scipy.io import wavfile

from adapterhub.errors import Corrupt, NotFound, WrongUsage
from adapterhub.train.tasks.table import prepare
from adapterhub.train.tasks.wav import read_wav, wav_header
from tests.train.tasks.builders import SMALL, asked, learns, save_model, table

RATE = 1000


def tone(hertz, samples):
    return (8000 * np.sin(2 * np.pi * hertz * np.arange(samples) / RATE)).astype(np.int16)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForSequenceClassification

    folder = tmp_path_factory.mktemp("base")
    torch.manual_seed(0)
    convolutions = {"conv_dim": [16, 16], "conv_stride": [5, 4], "conv_kernel": [10, 4], "feat_extract_norm": "layer"}
    still = {f"{place}_dropout": 0.0 for place in ("hidden", "activation", "attention", "feat_proj", "final")}
    more = {"layerdrop": 0.0, "num_conv_pos_embeddings": 4, "num_conv_pos_embedding_groups": 2, "mask_time_prob": 0.0}
    config = Wav2Vec2Config(
        **SMALL, **convolutions, **still, **more, classifier_proj_size=16, do_stable_layer_norm=True
    )
    Wav2Vec2FeatureExtractor(sampling_rate=RATE, return_attention_mask=True).save_pretrained(folder)
    return save_model(folder, Wav2Vec2ForSequenceClassification(config))


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder, cells = tmp_path_factory.mktemp("sounds"), []
    for index, (hertz, samples) in enumerate([(50, 400), (200, 500), (60, 300), (220, 600)]):
        wavfile.write(folder / f"{index}.wav", RATE, tone(hertz, samples))
        cells.append(folder / f"{index}.wav")
    return table({"audio": cells, "label": ["low", "high", "low", "high"]}, "sounds")


def opened(base, rows):
    task = prepare(asked("audio-classification", base), base, rows)
    torch.manual_seed(0)
    return task, task.open(base).eval()


def test_the_loss_is_the_models_own_times_the_count(base, rows):
    task, model = opened(base, rows)
    batch = task.collate(task.examples(rows))
    total, count = task.loss(model, batch)
    assert count == 4
    torch.testing.assert_close(total / count, model(**batch["inputs"], labels=batch["labels"]).loss)


def test_padding_changes_no_answer(base, rows):
    task, model = opened(base, rows)
    examples = task.examples(rows)
    together = task.answers(model, task.collate(examples))
    alone = [task.answers(model, task.collate([one]))[0] for one in examples]
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert [task.length(one) for one in examples] == [400, 500, 300, 600]


def test_it_learns(base, rows):
    task, model = opened(base, rows)
    before, after = learns(task, model, rows, steps=25)
    assert after < before / 2
    assert task.heads(model) == ("projector", "classifier")


def test_a_file_its_path_and_its_bytes_are_one_sound(base, rows):
    task, _ = opened(base, rows)
    file = rows.rows[0]["audio"]
    cells = [file, str(file), file.read_bytes(), {"bytes": file.read_bytes(), "path": None}]
    values = task.collate(task.examples(table({"audio": cells, "label": ["low"] * 4})))["inputs"]["input_values"]
    assert all(torch.equal(values[0], one) for one in values[1:])


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.int32])
def test_samples_are_those_scipy_reads(tmp_path, kind):
    limits = np.iinfo(kind)
    data = np.random.default_rng(0).integers(limits.min, limits.max, (50, 2), dtype=kind)
    wavfile.write(tmp_path / "a.wav", 8000, data)
    _, theirs = wavfile.read(tmp_path / "a.wav")
    middle = 128 if kind == np.uint8 else 0
    wanted = ((theirs.astype(np.float64) - middle) / 2.0 ** (limits.bits - 1)).mean(1)
    assert wav_header(tmp_path / "a.wav", "here") == (8000, 50)
    np.testing.assert_allclose(read_wav(tmp_path / "a.wav", "here"), wanted, atol=1e-6)


def test_samples_of_three_bytes_are_read(tmp_path):
    with wave.open(str(tmp_path / "a.wav"), "wb") as sound:
        sound.setparams((1, 3, 8000, 0, "NONE", ""))
        sound.writeframes(b"".join(value.to_bytes(3, "little", signed=True) for value in (0, 1 << 22, -(1 << 23))))
    assert read_wav(tmp_path / "a.wav", "here").tolist() == [0, 0.5, -1]


def test_a_sound_that_cannot_be_used_has_its_place(base, rows, tmp_path):
    task, _ = opened(base, rows)
    wavfile.write(tmp_path / "fast.wav", 8000, tone(50, 100))
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    wavfile.write(tmp_path / "float.wav", RATE, np.zeros(10, np.float32))
    with pytest.raises(WrongUsage, match="line 2: wanted a sound, got int '7'"):
        task.examples(table({"audio": [7], "label": ["low"]}))
    for name, kind, told in [
        ("fast.wav", WrongUsage, "8000 samples a second, the base hears 1000"),
        ("bad.wav", Corrupt, "it ends too early"),
        ("float.wav", Corrupt, "unknown format"),
        ("none.wav", NotFound, "there is no sound"),
    ]:
        with pytest.raises(kind, match=f"sounds, line 2: .*{told}"):
            task.examples(table({"audio": [tmp_path / name], "label": ["low"]}, "sounds"))
