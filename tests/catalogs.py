"""Brings the catalogs up to date with the texts in the code: `make messages`.

A new language is a new folder below `locales` with a `crisis.toml`; its `crisis.po` is then begun here, with
the texts of the first minutes. With a `lexicon.toml` too, it has all other texts in `messages.po`.
"""

from __future__ import annotations

import io
from itertools import takewhile
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent
LOCALES = ROOT / "locales"
CRISIS, MESSAGES = "crisis", "messages"  # the domains: a catalog of its own for each
TAKES_PART = {CRISIS: "crisis.toml", MESSAGES: "lexicon.toml"}  # the file by which a folder has the domain
FIRST_WORDS = "handlers/first_words.py"  # where all texts of the domain `crisis` stand
SOURCE = "en"  # the language of the texts in the code: what its catalog leaves empty is said as in the code

# No date, no person and no version: the same texts always make the same file.
COMMENT = """\
# What One Cloak says, in {name}.
# The translation stands behind `msgstr`; {{names}} and /commands stay as they are.
#
# Reviewed by a native speaker: no (unreviewed)
#
"""
HEADER = r"""msgid ""
msgstr ""
"Project-Id-Version: One Cloak\n"
"Language: {language}\n"
"Language-Team: One Cloak\n"
"Last-Translator: One Cloak\n"
"Plural-Forms: {plural_forms}\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=utf-8\n"
"Content-Transfer-Encoding: 8bit\n"

"""


def extracted(domain: str = MESSAGES) -> Catalog:
    """Every text of a domain that the code marks with `_` or `_n`."""
    catalog = Catalog()
    keywords = {"_": (1,), "_n": (1, 2)}
    for folder in ("bot", "handlers"):
        found = extract_from_dir(str(ROOT / folder), [("**.py", "python")], keywords=keywords)
        for filename, _line, message, comments, context in sorted(found, key=lambda each: each[:2]):
            where = (f"{folder}/{filename}", 0)  # without the line, which changes with every edit
            if (where[0] == FIRST_WORDS) is not (domain == CRISIS):
                continue
            catalog.add(message, None, [where], auto_comments=comments, context=context)
    return catalog


def languages(folder: Path = LOCALES, domain: str = MESSAGES) -> list[str]:
    return sorted(path.parent.name for path in folder.glob(f"*/{TAKES_PART[domain]}"))


def read(language: str, folder: Path = LOCALES, domain: str = MESSAGES) -> Catalog:
    path = folder / language / f"{domain}.po"
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def forms(message: Message) -> tuple[str, ...]:
    """The translations of one text, one for each plural form; "" where one is missing."""
    if isinstance(message.string, str):
        return (message.string,)
    return tuple(message.string or ("",))


def update(language: str, template: Catalog, folder: Path = LOCALES, domain: str = MESSAGES) -> Catalog:
    """Write the catalog of a language anew, with just the texts of the template; comments on top stay."""
    path = folder / language / f"{domain}.po"
    catalog = read(language, folder, domain)
    catalog.update(template, no_fuzzy_matching=True)
    before = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
    comment = "".join(takewhile(lambda line: line.startswith("#"), before))
    name = catalog.locale.english_name if catalog.locale else language
    texts = io.BytesIO()
    write_po(texts, catalog, width=110, omit_header=True, ignore_obsolete=True)
    header = HEADER.format(language=language, plural_forms=catalog.plural_forms)
    body = texts.getvalue().decode().rstrip("\n") + "\n"
    path.write_text((comment or COMMENT.format(name=name)) + header + body, encoding="utf-8")
    return catalog


def main() -> None:
    for domain in TAKES_PART:
        template = extracted(domain)
        for language in languages(domain=domain):
            catalog = update(language, template, domain=domain)
            texts = [each for each in catalog if each.id]
            missing = sum(not all(forms(each)) for each in texts)
            state = "said as in the code" if language == SOURCE else "not translated"
            print(f"{language}/{domain}.po: {len(texts)} texts, {missing} {state}")  # noqa: T201


if __name__ == "__main__":
    main()
