"""Brings the catalogs up to date with the texts in the code: `make messages`."""

from __future__ import annotations

from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent
LOCALES = ROOT / "locales"


def extracted() -> Catalog:
    """Every text that the code marks with `_` or `_n`."""
    catalog = Catalog(project="One Cloak", fuzzy=False)
    keywords = {"_": (1,), "_n": (1, 2)}
    for folder in ("bot", "handlers"):
        found = extract_from_dir(str(ROOT / folder), [("**.py", "python")], keywords=keywords)
        for filename, _line, message, comments, context in sorted(found, key=lambda each: (each[0], each[1])):
            catalog.add(message, None, [(f"{folder}/{filename}", None)], auto_comments=comments, context=context)
    return catalog


def languages() -> list[str]:
    return sorted(path.parent.name for path in LOCALES.glob("*/lexicon.toml"))


def read(language: str) -> Catalog:
    path = LOCALES / language / "messages.po"
    if not path.exists():
        return Catalog(locale=language, project="One Cloak")
    with path.open("rb") as file:
        return read_po(file, locale=language)


def main() -> None:
    template = extracted()
    for language in languages():
        catalog = read(language)
        catalog.update(template, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        catalog.fuzzy = False
        with (LOCALES / language / "messages.po").open("wb") as file:
            write_po(file, catalog, width=110, sort_output=False, omit_header=False, ignore_obsolete=True)
        missing = sum(1 for each in catalog if each.id and not each.string)
        print(f"{language}: {len(catalog)} texts, {missing} not translated")  # noqa: T201


if __name__ == "__main__":
    main()
