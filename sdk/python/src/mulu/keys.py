"""Keys of officers and applications: Ed25519 in PKCS#8 PEM, as ``mulu key generate`` and
``openssl genpkey -algorithm ed25519`` write them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional, Union

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class Key:
    """A private key. Its text form shows the public half only."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        raw = private.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.public = "ed25519:" + raw.hex()

    @classmethod
    def load(cls, path: Union[str, Path], passphrase: Optional[str] = None) -> "Key":
        """Reads a PEM file. An encrypted one is opened with ``passphrase``, or with the variable
        ``MULU_KEY_PASSPHRASE``."""
        data = Path(path).read_bytes()
        secret = passphrase if passphrase is not None else os.environ.get("MULU_KEY_PASSPHRASE")
        encrypted = b"ENCRYPTED" in data
        private = serialization.load_pem_private_key(
            data, password=secret.encode() if encrypted and secret is not None else None)
        if not isinstance(private, Ed25519PrivateKey):
            raise ValueError(f"{path} is not an Ed25519 key")
        return cls(private)

    @classmethod
    def from_seed(cls, seed: bytes) -> "Key":
        """The key of a 32-byte seed; for tests."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)

    def __repr__(self) -> str:
        return f"Key({self.public})"
