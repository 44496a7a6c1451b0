"""Any picture becomes the right bytes, or is refused with the right reason; a crash is survived."""

import contextlib
import io
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from pictures_of_all_kinds import halves, ramp, saved
from PIL import Image, ImageCms

from infogan.pictures import Crew, Form, Item, Refusal, decode, in_batches, look
from infogan.pictures.decode import MOST_PIXELS

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import make_messy_folder as messy

RED, BLUE = (200, 30, 60), (20, 120, 240)
FORM = Form(8, 3)
GREY = Form(8, 1)


def colours(content, form=FORM):
    """The mean colour of the left and of the right edge."""
    pixels = decode(content, form)[0]
    return pixels[:, :, 0].mean(1), pixels[:, :, -1].mean(1)


@pytest.mark.parametrize(
    ("kind", "mode", "near"),
    [
        ("PNG", "RGB", 0), ("BMP", "RGB", 0), ("TIFF", "RGB", 0), ("JPEG", "RGB", 6),
        ("WEBP", "RGB", 12), ("GIF", "P", 3), ("PNG", "P", 3), ("JPEG", "CMYK", 8),
        ("TIFF", "CMYK", 8), ("PPM", "RGB", 0), ("PNG", "RGBA", 0), ("TIFF", "YCbCr", 8),
    ],
)  # fmt: skip
def test_colours_come_through_every_format(kind, mode, near):
    left, right = colours(saved(halves(mode=mode), kind))
    assert np.abs(left - RED).max() <= near
    assert np.abs(right - BLUE).max() <= near


@pytest.mark.parametrize(
    ("kind", "mode"), [("PNG", "L"), ("PNG", "1"), ("JPEG", "L"), ("PNG", "LA"), ("TIFF", "L")]
)
def test_grey_is_three_equal_channels_or_one(kind, mode):
    image = halves(left=(0, 0, 0), right=(255, 255, 255)).convert(mode)
    left, right = colours(saved(image, kind))
    assert left.max() <= 1
    assert right.min() >= 254
    pixels, seen = decode(saved(image, kind), GREY)
    assert pixels.shape == (1, 8, 8)
    assert (seen.format, seen.mode, seen.width, seen.height) == (kind, mode, 40, 40)


def test_colour_becomes_grey_by_luma():
    """ITU-R 601: 0.299 R + 0.587 G + 0.114 B, also by JPEG's shortcut."""
    luma = 0.299 * RED[0] + 0.587 * RED[1] + 0.114 * RED[2]
    for kind in ("PNG", "JPEG"):
        assert decode(saved(halves(), kind), GREY)[0][0, :, 0].mean() == pytest.approx(luma, abs=4)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_not_clipped(kind):
    """Clipping would make all above 255 white; x/257 makes 65,535 white and 32,896 middle grey."""
    deep = np.asarray(ramp(), np.uint16) * 257
    pixels, seen = decode(saved(Image.fromarray(deep), kind), Form(64, 1))
    assert seen.mode.startswith("I")
    assert np.abs(pixels[0].astype(int) - np.asarray(ramp())).max() <= 1


def test_floats_and_wide_integers_take_the_range_they_are_in():
    unit = Image.fromarray(np.asarray(ramp(), np.float32) / 255)
    assert np.abs(decode(saved(unit, "TIFF"), Form(64, 1))[0][0] - np.asarray(ramp())).max() <= 1
    wide = Image.fromarray(np.asarray(ramp(), np.int32) * 257)
    assert decode(saved(wide, "TIFF"), Form(64, 1))[0].max() == 255
    for strange in (np.full((9, 9), -3.0, np.float32), np.full((9, 9), 2**20, np.int32)):
        with pytest.raises(Refusal, match="values from"):
            decode(saved(Image.fromarray(strange), "TIFF"), GREY)


def test_alpha_shows_the_colour_behind():
    clear = halves(mode="RGBA")
    clear.putalpha(Image.new("L", clear.size, 0))
    for background in ((255, 255, 255), (10, 200, 30)):
        left, _ = colours(saved(clear, "PNG"), Form(8, 3, background=background))
        assert left.tolist() == list(background)
    half = halves(mode="RGBA")
    half.putalpha(Image.new("L", half.size, 128))
    left, _ = colours(saved(half, "PNG"), Form(8, 3, background=(0, 0, 0)))
    assert np.abs(left - np.array(RED) * 128 / 255).max() <= 2


def test_what_is_hidden_by_alpha_does_not_bleed_into_the_edge():
    """Shrinking must weigh colours by alpha: the green under alpha 0 must not show."""
    image = Image.new("RGBA", (64, 64), (0, 255, 0, 0))
    image.paste((200, 0, 0, 255), (0, 0, 33, 64))
    pixels = decode(saved(image, "PNG"), Form(8, 3, background=(0, 0, 0)))[0]
    assert pixels[1].max() == 0


def test_palette_with_a_transparent_entry_and_grey_with_a_transparent_value():
    image = halves().quantize(2)
    left, right = colours(saved(image, "PNG", transparency=image.getpixel((0, 0))))
    assert left.tolist() == [255, 255, 255]
    assert np.abs(right - BLUE).max() <= 1
    grey = halves(left=(7, 7, 7), mode="L")
    assert colours(saved(grey, "PNG", transparency=7))[0].tolist() == [255, 255, 255]
    gif = saved(image, "GIF", transparency=image.getpixel((0, 0)))
    assert colours(gif)[0].tolist() == [255, 255, 255]


def test_of_moving_pictures_the_first_frame():
    still = [Image.new("RGB", (20, 20), c) for c in ("red", "blue")]
    for kind, options in (("GIF", {}), ("WEBP", {"lossless": True}), ("TIFF", {})):
        content = saved(still[0], kind, save_all=True, append_images=still[1:], **options)
        assert colours(content)[0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("way", range(1, 9))
def test_exif_turns_the_picture_upright(kind, way):
    """A picture whose top left is white is stored in each of the eight ways."""
    upright = Image.new("L", (60, 40), 0)
    upright.paste(255, (0, 0, 30, 20))
    store = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Pillow's transpositions, each the inverse
    stored = upright.transpose(Image.Transpose(store[way])) if way in store else upright
    exif = Image.Exif()
    exif[0x0112] = way
    for fit in ("crop", "pad"):
        content = saved(stored, kind, exif=exif)
        pixels, seen = decode(content, Form(16, 1, fit, (0, 0, 0)))
        assert (seen.width, seen.height) == (60, 40)
        assert pixels[0, 4, 3] > 200
        assert pixels[0, 4, 13] < 50
        assert pixels[0, 12, 3] < 50
    if kind in ("PNG", "TIFF"):  # to the pixel, where the border is 2 above and 3 below
        form = Form(15, 1, "pad", (128, 128, 128))
        turned = decode(saved(stored, kind, exif=exif), form)[0]
        np.testing.assert_array_equal(turned, decode(saved(upright, kind), form)[0])


def test_crop_takes_the_middle_and_pad_keeps_all():
    image = Image.new("L", (90, 30), 0)
    image.paste(255, (30, 0, 60, 30))
    assert decode(saved(image, "PNG"), Form(10, 1))[0].min() == 255
    padded = decode(saved(image, "PNG"), Form(30, 1, "pad", (128, 128, 128)))[0][0]
    assert padded[0, 0] == padded[-1, -1] == 128
    assert padded[15, 2] == 0
    assert padded[15, 15] == 255
    thin = decode(saved(Image.new("L", (500, 1), 9), "PNG"), Form(8, 1, "pad"))[0]
    assert 9 in thin


def test_shrinking_averages_areas():
    """Nearest-pixel picking would turn fine stripes into black or white."""
    stripes = Image.fromarray(np.tile(np.array([0, 255], np.uint8), (60, 30)))
    for size in (10, 7, 13):  # of 20 each pixel is the mean of 3 columns: 85 or 170
        pixels = decode(saved(stripes, "PNG"), Form(size, 1))[0]
        assert np.abs(pixels.astype(int) - 127.5).max() < 20
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    exact = noise.reshape(8, 8, 8, 8).mean((1, 3))
    pixels = decode(saved(Image.fromarray(noise), "PNG"), GREY)[0][0]
    assert np.abs(pixels - exact).max() < 1  # it rounds after either direction


def test_jpegs_shortcut_changes_next_to_nothing():
    """Decoding at a lower size first, against decoding all of it."""
    rng = np.random.default_rng(0)
    image = messy.picture(rng).resize((1200, 900))
    jpeg = saved(image, "JPEG", quality=95)
    short = decode(jpeg, Form(32, 3))[0].astype(int)
    whole = decode(saved(Image.open(io.BytesIO(jpeg)), "PNG"), Form(32, 3))[0]
    assert np.abs(short - whole).mean() < 0.5
    assert np.abs(short - whole).max() < 4


def test_small_pictures_grow_and_right_ones_stay():
    assert decode(saved(halves(4, 4), "PNG"), Form(32, 3))[0].shape == (3, 32, 32)
    x = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    assert (decode(saved(Image.fromarray(x), "PNG"), FORM)[0] == x.transpose(2, 0, 1)).all()
    assert decode(saved(Image.new("L", (1, 1), 5), "PNG"), GREY)[0].tolist() == [[[5] * 8] * 8]


def test_arrays_are_pictures():
    x = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    assert (decode(x, FORM)[0] == x.transpose(2, 0, 1)).all()
    assert (decode(x[:, :, :1], GREY)[0][0] == x[:, :, 0]).all()
    assert (decode(x / 255, FORM)[0] == x.transpose(2, 0, 1)).all()
    assert decode(x[:, :, 0] > 99, GREY)[0].max() == 255
    for bad, why in ((x * 2.0, "expected \\[0, 1\\]"), (x.astype(int), "expected bytes")):
        with pytest.raises(Refusal, match=why):
            decode(bad, FORM)
    with pytest.raises(Refusal):
        decode(np.full((8, 8), np.nan), GREY)


@pytest.mark.parametrize("name", [name for name, _, _ in messy.BAD])
def test_each_broken_kind_has_its_reason(name, tmp_path):
    make, why = next((make, why) for n, why, make in messy.BAD if n == name)
    content = make(np.random.default_rng(0))
    file = tmp_path / name
    file.write_bytes(content)
    for given in (content, file):
        with pytest.raises(Refusal, match=why):
            decode(given, FORM)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"])
def test_cut_at_any_place_it_never_raises_anything_else(kind):
    content = saved(halves(60, 50), kind)
    for i in range(0, len(content) - 40, max(1, len(content) // 60)):
        with pytest.raises(Refusal):
            decode(content[:i], FORM)


def test_flipped_bytes_never_raise_anything_else():
    rng = np.random.default_rng(0)
    for _, make in messy.GOOD:
        content = bytearray(make(rng)[:3000])
        for _ in range(5):
            content[rng.integers(len(content))] ^= 1 << rng.integers(8)
            with contextlib.suppress(Refusal):
                assert decode(bytes(content), FORM)[0].shape == (3, 8, 8)


def test_bombs_are_refused_before_they_are_decoded(monkeypatch):
    with pytest.raises(Refusal, match="1,600,000,000 pixels.*bomb"):
        decode(messy.bomb(), FORM)
    with pytest.raises(Refusal, match="bomb"):
        look(messy.bomb(10_000))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)  # as some programs do
    with pytest.raises(Refusal, match=f"{MOST_PIXELS:,}"):
        decode(messy.bomb(10_000), FORM)


def test_damaged_exif_and_profiles_are_no_reason_to_refuse():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    content = saved(halves(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff", icc_profile=profile)
    assert np.abs(colours(content)[0] - RED).max() < 6


def items(n):
    rng = np.random.default_rng(0)
    for i in range(n):
        x = rng.integers(0, 256, (9, 9, 3), np.uint8)
        yield Item(f"{i}.png", b"no picture" if i % 7 == 3 else saved(Image.fromarray(x), "PNG"))


def test_workers_say_the_same_as_this_process(tmp_path):
    odd = tmp_path / os.fsdecode(b"\xff\n odd.png")
    odd.write_bytes(saved(halves(), "PNG"))
    given = [
        *items(40),
        Item("odd", odd),
        Item("gone", tmp_path / "gone.png"),
        Item("array", np.zeros((5, 6), bool)),
        Item("known", Refusal("known before")),
    ]
    results = []
    for workers in (0, 2):
        with Crew(FORM, workers) as crew:
            results.append([*crew.decode(in_batches(given, 16))])
    for here, there in zip(*results, strict=True):
        assert (here.pixels == there.pixels).all()
        assert here.seen == there.seen
        assert here.refused == there.refused
        assert [item.name for item in here.good] == [item.name for item in there.good]
    last = {item.name: why for item, why in results[0][-1].refused}
    assert last == {"38.png": "not an image, whatever its name says"} | {
        "gone": "No such file or directory", "known": "known before"}  # fmt: skip


def test_a_picture_that_crashes_its_decoder_costs_only_itself(monkeypatch):
    """A worker that dies in the middle of a batch is replaced, and the culprit named."""
    ask = Crew._ask

    def fatal(self, worker, contents):
        if b"FATAL" in contents:
            worker.kill()
        return ask(self, worker, contents)

    monkeypatch.setattr(Crew, "_ask", fatal)
    given = [*items(3), Item("fatal.png", b"FATAL"), *items(2)]
    with Crew(FORM, 1) as crew:
        (batch,) = crew.decode([given])
    assert [(item.name, why) for item, why in batch.refused] == [
        ("fatal.png", "crashes its decoder")
    ]
    assert len(batch.good) == len(batch.pixels) == 5


def test_workers_end_with_their_parent():
    """The pipe to a killed parent ends, and so do they."""
    with Crew(FORM, 1) as crew:
        list(crew.decode(in_batches(items(2))))
        (worker,) = crew.all
        assert worker.poll() is None
        worker.stdin.close()
        assert worker.wait(10) == 0
