"""The catalogs as files: `<language>/messages.po` and `crisis.po`, and the union's own laid over them.

`crisis.po` has the texts of the first minutes of a crisis (`handlers/first_words.py`), in more languages than
`messages.po`, which has all others.
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from string import Formatter

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

CRISIS, MESSAGES = "crisis", "messages"


def languages(folders: Sequence[Path], domain: str) -> list[str]:
    """The languages for which one of the folders has a catalog of the domain."""
    return sorted({path.parent.name for folder in folders for path in folder.glob(f"*/{domain}.po")})


def translations(folders: Sequence[Path], language: str) -> gettext.NullTranslations:
    """All texts of a language: those of a later folder go before those of an earlier one.

    Raises ValueError with file and line for a broken catalog.
    """
    texts: gettext.NullTranslations | None = None
    for folder in folders:
        for domain in (MESSAGES, CRISIS):
            path = folder / language / f"{domain}.po"
            if path.exists():
                newer = _compiled(_read(path, language))
                if texts is not None:
                    newer.add_fallback(texts)
                texts = newer
    return texts or gettext.NullTranslations()


def _read(path: Path, language: str) -> Catalog:
    try:
        with path.open("rb") as file:
            catalog = read_po(file, locale=language, abort_invalid=True)
    except PoFileError as error:
        raise ValueError(f"{path}, line {error.lineno + 1}: {error}: {error.line.strip()!r}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: {error}") from None
    for message in catalog:
        for form in _forms(message):
            if form and (strange := _placeholders(form) - _known(message)):
                raise ValueError(f"{path}, line {message.lineno}: nothing stands for {strange} in {form!r}")
    return catalog


def _compiled(catalog: Catalog) -> gettext.GNUTranslations:
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def _forms(message: Message) -> Iterator[str]:
    """What a text is translated to; the first entry of a file is its header and no text."""
    if message.id:
        yield from (message.string,) if isinstance(message.string, str) else message.string or ()


def _known(message: Message) -> set[str]:
    ids = (message.id,) if isinstance(message.id, str) else message.id
    return {name for text in ids for name in _placeholders(text)}


def _placeholders(pattern: str) -> set[str]:
    try:
        return {name for _text, name, _spec, _way in Formatter().parse(pattern) if name is not None}
    except ValueError:  # a brace that is never closed
        return {pattern}
