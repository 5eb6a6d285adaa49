"""Taking hidden data out of attachments: where a photo was made, by whom, with what."""

from __future__ import annotations

import io
import warnings

from PIL import Image, ImageOps, UnidentifiedImageError

LARGEST_PICTURE = 50_000_000  # pixels; more is a trap that fills the memory
_FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif"}


class NotCleanable(Exception):
    """The hidden data of this file cannot be taken out, so it must not be passed on."""


def clean(media: str, mime: str, body: bytes) -> tuple[str, bytes]:
    """The MIME type and bytes of an attachment without hidden data; raises NotCleanable.

    Pictures are drawn anew, which leaves only their pixels. Voice messages carry none in the platforms'
    own format. Other files keep their content: only their name and their origin are left behind.
    """
    if media in ("photo", "sticker") or mime.startswith("image/"):
        return _redraw(body)
    return mime, body


def _redraw(body: bytes) -> tuple[str, bytes]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(body))
            kind = picture.format or ""
            if kind not in _FORMATS or picture.width * picture.height > LARGEST_PICTURE:
                raise NotCleanable("a picture of an unknown kind or size")
            upright = ImageOps.exif_transpose(picture)
            if kind == "JPEG":
                upright = upright.convert("RGB")
            drawn = Image.new(upright.mode, upright.size)
            if upright.mode == "P" and (palette := upright.getpalette()) is not None:
                drawn.putpalette(palette)
            drawn.paste(upright)
            out = io.BytesIO()
            drawn.save(out, format=kind, quality=88)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError,
            Image.DecompressionBombWarning) as error:  # fmt: skip
        raise NotCleanable(type(error).__name__) from None
    return _FORMATS[kind], out.getvalue()
