"""Proofs: that a node's answer is what more than two thirds of the validators certified.

Nothing here trusts a node. The one thing taken on trust is a validator set (:class:`Trust`), which
the founding document names and every later header hands on.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any, List, Mapping, Optional, Union

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from . import encoding
from .errors import VerificationFailed

PLACEHOLDER = b"SPARSE_MERKLE_PLACEHOLDER_HASH__"
SIBLINGS_MAX = 256


class Trust:
    """The validator set this application believes, and the chain it is for."""

    def __init__(self, chain_id: str, validators: List[Mapping[str, Any]]) -> None:
        if not validators:
            raise ValueError("a validator set is not empty")
        self.chain_id = chain_id
        self.validators = [dict(v) for v in validators]
        self.hash = encoding.validator_set_hash(self.validators)

    @classmethod
    def pin(cls, path: Union[str, Path], status: Optional[Mapping[str, Any]] = None) -> "Trust":
        """Reads the pinned set from ``path``; if there is none, writes what ``status``
        (``Client.status()``) says. Compare the file with another department's before you rely on it.
        """
        file = Path(path)
        if not file.exists():
            if status is None:
                raise ValueError(f"{file} does not exist and no status was given")
            pinned = {"chain_id": status["chain_id"], "validators": status["validators"]}
            file.write_text(json.dumps(pinned, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        pinned = json.loads(file.read_text(encoding="utf-8"))
        return cls(pinned["chain_id"], pinned["validators"])

    def save(self, path: Union[str, Path]) -> None:
        pinned = {"chain_id": self.chain_id, "validators": self.validators}
        Path(path).write_text(json.dumps(pinned, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")

    def advance(self, certified: Mapping[str, Any], validators: List[Mapping[str, Any]]) -> None:
        """Follows a change of the set: ``certified`` is a header the set believed so far signed, and
        whose ``next_validator_set_hash`` is the hash of ``validators``."""
        self.check_header(certified["header"], certified["certificate"])
        if encoding.validator_set_hash(validators) != certified["header"]["next_validator_set_hash"]:
            raise VerificationFailed("the header does not name this validator set as the next one")
        self.validators = [dict(v) for v in validators]
        self.hash = encoding.validator_set_hash(self.validators)

    def check_header(self, header: Mapping[str, Any], certificate: Optional[Mapping[str, Any]]) -> str:
        """CRT-01 to CRT-04 for a header; returns the block id."""
        block = encoding.header_id(header)
        if header["chain_id"] != self.chain_id:
            raise VerificationFailed(f"the header is of the chain {header['chain_id']}")
        if header["validator_set_hash"] != self.hash:
            raise VerificationFailed(
                "the validators changed since the set was pinned; follow the change with advance()")
        if certificate is None or certificate["block"] != block or certificate["height"] != header["height"]:
            raise VerificationFailed("the certificate is not for this header")
        statement = b"".join([
            encoding.text(self.chain_id), encoding.u64(certificate["height"]),
            encoding.u32(certificate["round"]), encoding.u32(1),
            encoding.option(encoding.digest(block)),
        ])
        message = encoding.preimage("mulu/vote/v1", statement)
        power = {v["public_key"]: v["power"] for v in self.validators}
        signed, before = 0, b""
        for vote in certificate["signatures"]:
            key = encoding.public_key_bytes(vote["validator"])
            if key <= before:
                raise VerificationFailed("CRT-01: the certificate's signatures are not in order")
            before = key
            if vote["validator"] not in power:
                raise VerificationFailed(f"CRT-02: {vote['validator']} is not a validator")
            try:
                Ed25519PublicKey.from_public_bytes(key).verify(base64.b64decode(vote["signature"]), message)
            except (InvalidSignature, ValueError) as error:
                raise VerificationFailed(f"CRT-03: the precommit of {vote['validator']} does not verify") from error
            signed += power[vote["validator"]]
        if signed * 3 <= sum(power.values()) * 2:
            raise VerificationFailed(f"CRT-04: only {signed} of {sum(power.values())} voting power signed")
        return block

    def check_record(self, key: str, answer: Mapping[str, Any]) -> Optional[bytes]:
        """Verifies ``/v1/records/{key}?proof=true``; returns the value's bytes, none if absent."""
        proof = answer["proof"]
        self.check_header(proof["header"], proof["certificate"])
        encoded = proof["value_base64"]
        value = None if encoded is None else base64.b64decode(encoded)
        check_state_proof(proof["header"]["state_root"], key, value, proof)
        if key.startswith("history/") or value is None:
            return value
        if json.loads(value) != answer["value"]:
            raise VerificationFailed(f"the value shown of {key} is not the one that is proved")
        return value

    def check_transaction(self, transaction_id: str, proof: Mapping[str, Any]) -> Mapping[str, Any]:
        """Verifies ``/v1/transactions/{id}/proof``; returns the log entry with the outcome."""
        self.check_header(proof["header"], proof["certificate"])
        entry = proof["entry"]
        if entry["transaction"] != transaction_id:
            raise VerificationFailed("the proof is for another transaction")
        inclusion = proof["inclusion"]
        check_inclusion(
            leaf_hash(encoding.log_entry_bytes(entry)), inclusion_index(inclusion),
            proof["header"]["log_size"], [encoding.digest_bytes(h) for h in inclusion["hashes"]],
            encoding.digest_bytes(proof["header"]["log_root"]))
        return entry


def inclusion_index(inclusion: Mapping[str, Any]) -> int:
    return int(inclusion["index"])


def _hash(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def _bit(data: bytes, depth: int) -> int:
    return (data[depth // 8] >> (7 - depth % 8)) & 1


def key_hash(key: str) -> bytes:
    return encoding.digest_bytes(encoding.hash_of("mulu/state-key/v1", key.encode("utf-8")))


def check_state_proof(root: str, key: str, value: Optional[bytes], proof: Mapping[str, Any]) -> None:
    """STA-01 to STA-03: that ``key`` has ``value``, or none, under ``root``."""
    siblings = [encoding.digest_bytes(s) for s in proof["siblings"]]
    if len(siblings) > SIBLINGS_MAX:
        raise VerificationFailed("STA-01: the proof is too long")
    wanted, leaf = key_hash(key), proof["leaf"]
    leaf_key = None if leaf is None else encoding.digest_bytes(leaf["key_hash"])
    leaf_value = None if leaf is None else encoding.digest_bytes(leaf["value_hash"])
    if value is not None:
        if leaf_key != wanted or leaf_value != _hash(value):
            raise VerificationFailed("STA-02: the proof is for another key or another value")
    elif leaf_key is not None:
        shares = all(_bit(leaf_key, d) == _bit(wanted, d) for d in range(len(siblings)))
        if leaf_key == wanted or not shares:
            raise VerificationFailed("STA-03: the proof does not show that the key is absent")
    found = PLACEHOLDER
    if leaf_key is not None and leaf_value is not None:
        found = _hash(b"JMT::LeafNode", leaf_key, leaf_value)
    for sibling, depth in zip(siblings, reversed(range(len(siblings)))):
        pair = (sibling, found) if _bit(wanted, depth) else (found, sibling)
        found = _hash(b"JMT::IntrnalNode", *pair)
    if found != encoding.digest_bytes(root):
        raise VerificationFailed("STA-01: the proof does not lead to the state root")


def leaf_hash(leaf: bytes) -> bytes:
    return _hash(b"\x00", leaf)


def check_inclusion(leaf: bytes, index: int, size: int, path: List[bytes], root: bytes) -> None:
    """RFC 9162 section 2.1.3.2."""
    if not 0 <= index < size:
        raise VerificationFailed("the log entry lies beyond the log")
    position, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise VerificationFailed("the inclusion proof is too long")
        if position & 1 or position == last:
            found = _hash(b"\x01", sibling, found)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            found = _hash(b"\x01", found, sibling)
        position, last = position >> 1, last >> 1
    if last != 0 or found != root:
        raise VerificationFailed("the inclusion proof does not lead to the log root")


def history_head(events: List[Mapping[str, Any]]) -> str:
    """The head of a complete history: equal to the proved one exactly if nothing was left out."""
    head = "sha256:" + "0" * 64
    for event in events:
        data = encoding.digest(head) + encoding.history_event_bytes(event)
        head = encoding.hash_of("mulu/history/v1", data)
    return head
