"""A label for each sound, over a tiny wav2vec 2.0; scipy is the judge of WAV files."""

import wave
from contextlib import suppress

import numpy as np
import pytest
import torch
from scipy.io import wavfile

from adapterhub.errors import AdapterHubError, Corrupt, NotFound, WrongUsage
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


def stereo(folder, cut=0, **places):
    """The bytes of a WAV file of 150 samples in two channels, cut short; other bytes at some places."""
    wavfile.write(folder / "a.wav", RATE, np.stack([tone(50, 150)] * 2, 1))
    data = bytearray((folder / "a.wav").read_bytes())
    for place, word in places.items():
        data[int(place[1:]) : int(place[1:]) + len(word)] = word
    return bytes(data[: len(data) - cut])


@pytest.mark.parametrize(("cut", "left"), [(1, 149), (2, 149), (4, 149), (100, 125), (600, 0)])
def test_a_sound_that_is_cut_short_is_told_by_its_header(tmp_path, cut, left):
    for read in (wav_header, read_wav):
        with pytest.raises(Corrupt, match=f"here: .*its header says 150 samples, and {left} are there"):
            read(stereo(tmp_path, cut), "here")


def test_a_part_that_is_larger_than_its_file_is_told(tmp_path):
    data = stereo(tmp_path, p36=b"LIST\xff\xff\xff\x00")
    with pytest.raises(Corrupt, match="here: no WAV file that can be read: it ends too early"):
        wav_header(data, "here")


def test_a_sound_that_was_written_into_a_pipe_is_as_long_as_it_is(tmp_path):
    endless = b"\xff" * 4
    assert wav_header(stereo(tmp_path, p4=endless, p40=endless), "here") == (RATE, 150)
    np.testing.assert_array_equal(
        read_wav(stereo(tmp_path, p4=endless, p40=endless), "here"), read_wav(stereo(tmp_path), "here")
    )


def test_whatever_is_wrong_with_a_file_is_told_as_ours(tmp_path):
    whole, dice = stereo(tmp_path), np.random.default_rng(0)
    for _ in range(500):
        data = bytearray(whole[: dice.integers(44, len(whole) + 1)])
        for place in dice.integers(0, 44, 3):
            data[place] = dice.integers(256)
        for read in (wav_header, read_wav):
            with suppress(Corrupt):
                read(bytes(data), "here")


@pytest.mark.parametrize(("samples", "told"), [(0, "it has no samples"), (24, "24 samples, the base needs 25")])
def test_a_sound_without_anything_to_hear_is_told_before_anything_runs(base, rows, tmp_path, samples, told):
    task, _ = opened(base, rows)
    wavfile.write(tmp_path / "short.wav", RATE, tone(50, samples))
    with pytest.raises(AdapterHubError, match=f"line 2: .*{told}"):
        task.examples(table({"audio": [tmp_path / "short.wav"], "label": ["low"]}))


def test_the_shortest_sound_can_be_heard_alone(base, rows, tmp_path):
    task, model = opened(base, rows)
    wavfile.write(tmp_path / "short.wav", RATE, tone(50, 25))
    batch = task.collate(task.examples(table({"audio": [tmp_path / "short.wav"], "label": ["low"]})))
    assert np.isfinite(task.answers(model, batch)).all()
