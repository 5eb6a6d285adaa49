"""Sealed files of any length: written and read in pieces, so that a gigabyte needs a few kilobytes of memory.

The STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015) over AES-256-GCM: pieces of 64 KiB, each
under the number of its place, the last one marked. So a piece that was changed, moved, left out or added is
refused, and so is a file that ends too soon. Each file has a key of its own, derived from its whole header.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import IO, TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from storage.sealing import sync_folder

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

MAGIC = b"ONECLOAK"
VERSION = 1
PIECE = 64 * 1024
TAG = 16
SALT = 32
FINGERPRINT = 8
HEADER = len(MAGIC) + 2 + FINGERPRINT + SALT  # magic, version, kind, whose key, salt


class UnusableFile(Exception):
    """A sealed file cannot be read; the text says why, and names nothing but the file."""


def fingerprint(key: bytes) -> bytes:
    """By which a file says which key it was sealed with."""
    return _derived(key, b"", b"one cloak: key of a sealed file")[:FINGERPRINT]


class SealedWriter(io.RawIOBase):
    """Seals what is written to it. It is whole only after `close`, which does not close the file below."""

    def __init__(self, file: IO[bytes], key: bytes, kind: bytes) -> None:
        """kind: one byte, so that one sort of file is never taken for another."""
        super().__init__()
        header = MAGIC + bytes([VERSION]) + kind + fingerprint(key) + os.urandom(SALT)
        assert len(header) == HEADER
        file.write(header)
        self._file = file
        self._cipher = AESGCM(_derived(key, header[-SALT:], header))
        self._waiting = bytearray()
        self._number = 0

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer) -> int:
        added = memoryview(data).cast("B")
        self._waiting += added
        while len(self._waiting) > PIECE:  # the last piece is never empty but in an empty file
            self._put(bytes(self._waiting[:PIECE]), last=False)
            del self._waiting[:PIECE]
        return len(added)

    def close(self) -> None:
        if not self.closed:
            self._put(bytes(self._waiting), last=True)
        super().close()

    def _put(self, piece: bytes, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, last=last), piece, None))
        self._number += 1


class SealedReader(io.RawIOBase):
    """Opens what `SealedWriter` wrote; raises UnusableFile where the file is not as it was written."""

    def __init__(self, file: IO[bytes], key: bytes, kind: bytes) -> None:
        super().__init__()
        header = file.read(HEADER)
        if len(header) < HEADER or not header.startswith(MAGIC) or header[9:10] != kind:
            raise UnusableFile("it is not such a file of One Cloak, or only its beginning")
        if header[8] != VERSION:
            raise UnusableFile("it was written by a newer One Cloak; use that version")
        if header[10 : 10 + FINGERPRINT] != fingerprint(key):
            raise UnusableFile("it was sealed with another backup key; set that one")
        self._file = file
        self._cipher = AESGCM(_derived(key, header[-SALT:], header))
        self._number = 0
        self._next = file.read(PIECE + TAG)
        self._open = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        if not self._open and not self._ended:
            self._open = self._take()
        count = min(len(view), len(self._open))
        view[:count], self._open = self._open[:count], self._open[count:]
        return count

    def _take(self) -> bytes:
        piece, self._next = self._next, self._file.read(PIECE + TAG)
        self._ended = not self._next
        try:
            opened = self._cipher.decrypt(_nonce(self._number, last=self._ended), piece, None)
        except (InvalidTag, ValueError):
            raise UnusableFile("it is damaged, was changed, or is not whole") from None
        self._number += 1
        return opened


def settle(draft: Path, path: Path) -> None:
    """Give a finished file its name: after a power cut it is there whole, or not at all."""
    os.rename(draft, path)
    sync_folder(path.parent)


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _derived(key: bytes, salt: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=salt, info=purpose).derive(key)
