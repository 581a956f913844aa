"""A transaction: a DSSE envelope over the signer's own JSON bytes (SPEC section 5)."""

from __future__ import annotations

import base64
import uuid
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from . import encoding
from .keys import Key

PAYLOAD_TYPE = "application/vnd.mulu.tx.v1+json"
PAYLOAD_BYTES_MAX = 64 * 1024


def pae(payload: bytes) -> bytes:
    """The DSSE pre-authentication encoding: what is signed, and whose hash is the id."""
    kind = PAYLOAD_TYPE.encode("ascii")
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


class Transaction:
    """A payload and its signatures. Submitting the same transaction again is always safe: it has
    one outcome for ever."""

    def __init__(self, payload: bytes) -> None:
        if len(payload) > PAYLOAD_BYTES_MAX:
            raise ValueError(f"TX-02: the payload has {len(payload)} bytes, at most {PAYLOAD_BYTES_MAX}")
        self.payload = payload
        self._signatures: Dict[str, bytes] = {}

    @classmethod
    def build(
        cls, *, chain_id: str, member: str, actions: Iterable[Mapping[str, Any]], valid_until: int,
        office: Optional[str] = None, on_behalf_of: Optional[str] = None,
        nonce: Optional[str] = None,
    ) -> "Transaction":
        """Writes the payload. A random nonce makes two otherwise equal transactions differ; give
        your own (a job's number) to make a retry after a crash the same transaction."""
        submitter: Dict[str, Any] = {"member": member}
        if office is not None:
            submitter["office"] = office if ":" in office else f"{on_behalf_of or member}:{office}"
        payload: Dict[str, Any] = {"schema_version": 1, "chain_id": chain_id, "submitter": submitter}
        if on_behalf_of is not None:
            payload["on_behalf_of"] = on_behalf_of
        payload["valid_until"] = valid_until
        payload["nonce"] = nonce if nonce is not None else uuid.uuid4().hex
        payload["actions"] = list(actions)
        return cls(encoding.json_bytes(payload))

    @property
    def id(self) -> str:
        return encoding.sha256(pae(self.payload))

    def created(self, action: int = 0) -> str:
        """The id of what an action creates (an authorization, a receipt), known before it is
        submitted."""
        return encoding.record_id(self.id, action)

    def sign(self, *keys: Key) -> "Transaction":
        """Adds signatures; several parties may sign one transaction."""
        for key in keys:
            self._signatures[key.public] = key.sign(pae(self.payload))
        return self

    @property
    def signatures(self) -> List[Tuple[str, bytes]]:
        return sorted(self._signatures.items(), key=lambda item: bytes.fromhex(item[0][8:]))

    def envelope(self) -> Dict[str, Any]:
        """The JSON form a node takes."""
        encode = lambda data: base64.b64encode(data).decode("ascii")  # noqa: E731
        return {
            "payloadType": PAYLOAD_TYPE,
            "payload": encode(self.payload),
            "signatures": [{"keyid": key, "sig": encode(sig)} for key, sig in self.signatures],
        }

    def envelope_bytes(self) -> bytes:
        """The binary form whose digest the log keeps."""
        parts = [encoding.public_key(key) + b"\x01" + sig for key, sig in self.signatures]
        return (encoding.u64(len(self.payload)) + self.payload
                + encoding.u64(len(parts)) + b"".join(parts))

    def envelope_digest(self) -> str:
        return encoding.hash_of("mulu/envelope/v1", self.envelope_bytes())
