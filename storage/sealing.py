"""Sealing at rest: a key for each owner, wrapped by a master key that never stands in the database.

AES-256-GCM with a random 96-bit nonce (NIST SP 800-38D); subkeys by HKDF-SHA256 (RFC 5869). Destroying
an owner's key destroys all that was sealed with it, in every copy of the database.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MASTER_KEY_BYTES = 32
NONCE_BYTES = 12
INDEX_BYTES = 16
REMEMBERED_KEYS = 4_000  # about 10 MB: an opened key takes 2.6 kB


class WrongMasterKey(Exception):
    """What was sealed cannot be opened with this master key."""


class Vault:
    """Opens and seals with the keys that the master key wraps; holds the opened keys in memory only."""

    def __init__(self, master: bytes) -> None:
        if len(master) != MASTER_KEY_BYTES:
            raise ValueError(f"the master key must have {MASTER_KEY_BYTES} bytes")
        self._wrapping = AESGCM(_subkey(master, b"one cloak: wrapping"))
        self._index_key = _subkey(master, b"one cloak: index")
        self._opened: dict[UUID, AESGCM] = {}
        self.fingerprint = _subkey(master, b"one cloak: fingerprint")[:8].hex()

    def index(self, *parts: str) -> bytes:
        """A keyed fingerprint by which a sealed value can be found again but not guessed."""
        text = "\x1f".join(parts).encode("utf-8", "surrogatepass")
        return hmac.digest(self._index_key, text, hashlib.sha256)[:INDEX_BYTES]

    def new_key(self, key_id: UUID) -> bytes:
        """Make an owner's key and return it wrapped, ready to be stored."""
        key = secrets.token_bytes(MASTER_KEY_BYTES)
        self._remember(key_id, AESGCM(key))
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._wrapping.encrypt(nonce, key, key_id.bytes)

    def knows(self, key_id: UUID) -> bool:
        return key_id in self._opened

    def unwrap(self, key_id: UUID, wrapped: bytes) -> None:
        """Open a stored key and remember it; raises WrongMasterKey."""
        try:
            key = self._wrapping.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], key_id.bytes)
        except (InvalidTag, ValueError):
            raise WrongMasterKey("a stored key does not open with this master key") from None
        self._remember(key_id, AESGCM(key))

    def forget(self, key_id: UUID) -> None:
        self._opened.pop(key_id, None)

    def forget_all(self) -> None:
        """Drop every opened key; those that still stand in the database are opened again where needed."""
        self._opened.clear()

    def seal(self, key_id: UUID, purpose: str, plain: bytes) -> bytes:
        """Seal with a known key; `purpose` names the field, so that no sealed value fits another one."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._opened[key_id].encrypt(nonce, plain, purpose.encode())

    def open(self, key_id: UUID, purpose: str, sealed: bytes) -> bytes:
        """The reverse of `seal`; raises WrongMasterKey when key or purpose do not fit."""
        try:
            return self._opened[key_id].decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], purpose.encode())
        except (InvalidTag, ValueError):  # ValueError: it was cut off within the nonce
            raise WrongMasterKey(f"a sealed {purpose} does not open with its key") from None

    def _remember(self, key_id: UUID, key: AESGCM) -> None:
        while len(self._opened) >= REMEMBERED_KEYS:
            self._opened.pop(next(iter(self._opened)))
        self._opened[key_id] = key


def _subkey(master: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose).derive(master)


def decode_master_key(text: str) -> bytes:
    """Read a master key from its base64 text; raises ValueError."""
    master = base64.b64decode(text.strip(), validate=True)
    if len(master) != MASTER_KEY_BYTES:
        raise ValueError(f"a master key is the base64 text of {MASTER_KEY_BYTES} bytes")
    return master


def read_or_create_master_key(path: Path) -> tuple[bytes, bool]:
    """The master key in a file that only its owner can read; the second value says if it was made now.

    It is written beside its place and linked into it: it is there whole or not at all, and only once.
    Raises ValueError if what is there is no key.
    """
    if path.exists():
        if not path.is_file():  # a pipe would be waited for without an end
            raise ValueError("the key's place is taken by something else than a file")
        return decode_master_key(path.read_text()), False
    master = secrets.token_bytes(MASTER_KEY_BYTES)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(base64.b64encode(master).decode() + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        return decode_master_key(path.read_text()), False
    finally:
        draft.unlink()
    sync_folder(path.parent)
    return master, True


def sync_folder(folder: Path) -> None:
    """Have the folder's entry on the disk too, or the file could be gone after a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
