"""The size and channels that pictures get where nothing is said, from some of them."""

from statistics import median

import numpy as np
from PIL import ImageColor

from infogan.config import DataConfig
from infogan.data.array import Array
from infogan.data.place import Place
from infogan.errors import InfoganError
from infogan.pictures import Form, Item, Refusal, decode, look

LOOKED_AT = 256  # pictures
SIZES = (8, 16, 28, 32, 64)  # no larger by itself: cost grows with the square
SAID = 5  # reasons why a picture cannot be read, where none can
NEARLY = 8  # of 255: how far the colours of a grey picture saved as JPEG may be apart
GLANCE = 32  # pixels at which colours are compared


def choose(place: Place, data: DataConfig) -> tuple[Form, str]:
    """The form that a place's pictures get, and in words how it came about; "" if all was said.

    The size is the largest of 8, 16, 28, 32 and 64 that is no more than the median of the shorter
    sides; the side itself where all are squares of one side up to 64. One channel where every
    picture that was looked at is grey.

    Raises:
        InfoganError: a setting out of range, or no picture that can be read to choose from.
    """
    if 0 < data.size < 8:
        raise InfoganError(f"data.size {data.size}: sides of 8 to 256 pixels are possible")
    form(data, SIZES[0], 3)  # what is wrong with it is said before any picture is read
    if data.size and data.channels:
        return form(data, data.size, data.channels), ""
    seen, problems = [], list[str]()
    items: list[Item] = []
    for item in place.some(LOOKED_AT):
        try:
            if isinstance(item.content, Refusal):
                raise item.content
            seen.append(look(item.content))
            items.append(item)
        except Refusal as e:
            problems.append(f"{item.name}: {e}")
    if not seen:
        if not problems:
            raise InfoganError(f"{place.source} holds no pictures; give some")
        first, more = "; ".join(problems[:SAID]), len(problems) - SAID
        raise InfoganError(
            f"none of the pictures in {place.source} that were looked at can be read: {first}"
            + f"; and {more} more" * (more > 0)
        )
    sides = {side for was in seen for side in (was.width, was.height)}
    middle = median(min(was.width, was.height) for was in seen)
    size, why = data.size, "as asked"
    if not size and len(sides) == 1 and SIZES[0] <= middle <= SIZES[-1]:
        size, why = int(middle), "as they are"
    elif not size:
        size = max((s for s in SIZES if s <= middle), default=SIZES[0])
        why = f"median of the shorter sides {middle:g}"
    channels, colour = data.channels, "as asked"
    if not channels:
        grey = _all_grey(items, place)
        channels, colour = (1, "all looked at are grey") if grey else (3, "not all are grey")
    words = f"size {size} ({why}), {channels} channel{'s' * (channels > 1)} ({colour})"
    return form(data, size, channels), words


def form(data: DataConfig, size: int, channels: int) -> Form:
    """The form of a size that the settings describe.

    Raises:
        InfoganError: data.background is no colour.
    """
    try:
        background = ImageColor.getrgb(data.background)[:3]
    except ValueError:
        raise InfoganError(
            f"data.background {data.background!r} is no colour; give a name or #rrggbb"
        ) from None
    return Form(size, channels, data.fit, background)


def _all_grey(items: list[Item], place: Place) -> bool:
    if isinstance(place, Array) and len(place.header.shape) == 4:
        return 1 in (place.header.shape[1], place.header.shape[3])  # a copy would be needed
    glance = Form(GLANCE, 3)
    for item in items:
        try:
            assert not isinstance(item.content, Refusal)
            pixels = decode(item.content, glance)[0].astype(np.int16)
        except Refusal:
            continue
        if np.ptp(pixels, axis=0).max() > NEARLY:
            return False
    return True
