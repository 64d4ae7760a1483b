"""The images, their parts and their domains."""

import numpy as np
import pytest

from registry.scripts.digits import DOMAINS, INK, Images, Splits, jittered, load, pixels, seen_as


def corner() -> Images:
    """One image with ink in its upper left pixel alone."""
    image = np.zeros((1, 8, 8), np.uint8)
    image[0, 0, 0] = INK
    return image


@pytest.fixture(scope="module")
def splits() -> Splits:
    return load()


@pytest.mark.parametrize(("domain", "place"), [("rotated", (7, 0)), ("mirrored", (0, 7)), ("shifted", (0, 2))])
def test_a_pixel_goes_where_its_domain_says(domain: str, place: tuple[int, int]) -> None:
    assert np.argwhere(seen_as(domain, corner())[0]).tolist() == [list(place)]


def test_four_quarter_turns_and_two_inversions_change_nothing(splits: Splits) -> None:
    images = splits.test.images
    turned = images
    for _ in range(4):
        turned = seen_as("rotated", turned)
    assert np.array_equal(turned, images)
    assert np.array_equal(seen_as("inverted", seen_as("inverted", images)), images)


def test_inversion_makes_paper_of_ink() -> None:
    inverted = seen_as("inverted", corner())
    assert inverted[0, 0, 0] == 0
    assert inverted.sum() == 63 * INK


def test_blur_spreads_a_pixel_over_its_neighbours() -> None:
    image = np.zeros((1, 8, 8), np.uint8)
    image[0, 4, 4] = 9
    blurred = seen_as("blurred", image)
    assert blurred[0, 3:6, 3:6].tolist() == [[1] * 3] * 3
    assert blurred.sum() == 9


def test_noise_inks_one_pixel_in_five_and_follows_its_seed() -> None:
    paper = np.zeros((200, 8, 8), np.uint8)
    noisy = seen_as("noisy", paper, seed=3)
    assert set(np.unique(noisy)) == {0, INK}
    assert (noisy > 0).mean() == pytest.approx(0.2, abs=0.02)
    assert np.array_equal(noisy, seen_as("noisy", paper, seed=3))
    assert not np.array_equal(noisy, seen_as("noisy", paper, seed=4))


def test_the_last_domain_is_first_mirrored_and_then_shifted(splits: Splits) -> None:
    both = seen_as("mirrored_shifted", splits.test.images)
    assert np.array_equal(both, seen_as("shifted", seen_as("mirrored", splits.test.images)))


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_domain_keeps_shape_and_range_and_leaves_the_images_alone(splits: Splits, domain: str) -> None:
    images = splits.validation.images.copy()
    seen = seen_as(domain, images)
    assert (seen.shape, seen.dtype) == (images.shape, np.uint8)
    assert seen.max() <= INK
    assert np.array_equal(images, splits.validation.images)


def test_jitter_stays_in_range_and_moves_by_what_it_says() -> None:
    grey = np.full((50, 8, 8), 8, np.uint8)
    moved = jittered(grey, 2.0, np.random.default_rng(0))
    assert moved.max() <= INK
    assert moved.std() == pytest.approx(2.0, rel=0.1)


def test_the_parts_share_no_image_and_have_the_same_mixture_of_digits(splits: Splits) -> None:
    parts = (splits.train, splits.validation, splits.test)
    assert [len(part) for part in parts] == [1077, 360, 360]
    seen = [{image.tobytes() for image in part.images} for part in parts]
    assert not seen[0] & seen[1]
    assert not seen[0] & seen[2]
    assert not seen[1] & seen[2]
    for part in parts:
        assert np.bincount(part.labels).min() / len(part) > 0.09


def test_pixels_are_between_paper_and_ink() -> None:
    made = pixels(corner())
    assert tuple(made.shape) == (1, 1, 8, 8)
    assert (made.min().item(), made.max().item()) == (-1.0, 1.0)
