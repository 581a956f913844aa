#!/usr/bin/env python3
"""A second verifier of Mulu audit bundles, after SPEC.md sections 2 to 10.

    mulu_verify.py BUNDLE --genesis sha256:<hex> [--json]
    mulu_verify.py --batch          one JSON object a line in ("genesis", "bundle" in base64), one out

It shares no code with the program it checks, but its author had read that program's verifier; it
checks the evidence, not yet what the records mean (authorised or not). It uses the standard library and the package `cryptography`
(Ed25519 only). One pass, memory bounded by the number of histories. The checks, their names and
their order are those of SPEC 10.5. Exit codes: 0 VERIFIED, 1 FAILED (the evidence is bad),
2 undecidable (not a bundle, no genesis) or wrong usage.
"""

import argparse
import base64
import hashlib
import io
import json
import struct
import sys
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MAGIC = b"MULUBND2"
FRAME_BYTES_MAX = 262_144
HISTORIES_MAX = 262_144
KEY_BYTES_MAX = 512
VALUE_BYTES_MAX = 65_536
PAYLOAD_BYTES_MAX = 61_440
JSON_ENVELOPE_BYTES_MAX = 98_304
SIGNATURES_MAX = 32
VALIDATORS_MAX = 128
RULE_BYTES_MAX = 16
QUESTION_BYTES_MAX = KEY_BYTES_MAX + 128
TOTAL_POWER_END = 1 << 60
LOG_LEVEL_MAX = 62
EMPTY_SUBTREE = b"SPARSE_MERKLE_PLACEHOLDER_HASH__"
PAYLOAD_TYPE = b"application/vnd.mulu.tx.v1+json"


class NotABundle(Exception):
    """BND-01: nothing can be decided."""


class Form(Exception):
    """BND-02, BND-03: it is a bundle, and it is damaged."""


class Bad(Exception):
    """One check failed."""


# --- section 3: hashes ------------------------------------------------------------------------

def sha256(data):
    return hashlib.sha256(data).digest()


def hashed(tag, data):
    return sha256(bytes([len(tag)]) + tag + data)


def preimage(tag, data):
    return bytes([len(tag)]) + tag + data


def text_of(digest):
    return "sha256:" + digest.hex()


def digest_of(text):
    if len(text) != 71 or not text.startswith("sha256:"):
        raise ValueError("not a digest")
    if any(c not in "0123456789abcdef" for c in text[7:]):
        raise ValueError("not a digest")
    return bytes.fromhex(text[7:])


# --- section 4: keys and signatures -----------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
Y8 = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
SMALL_ORDER_Y = {0, 1, P - 1, Y8, P - Y8}


def small_order(encoded):
    return (int.from_bytes(encoded, "little") & (2**255 - 1)) % P in SMALL_ORDER_Y


@lru_cache(maxsize=65_536)
def key_is_good(encoded):
    """SIG-01, SIG-02: a canonical encoding of a point that is not of small order."""
    number = int.from_bytes(encoded, "little")
    y = number & (2**255 - 1)
    if y >= P or small_order(encoded):
        return False
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x2 = u * pow(v, P - 2, P) % P
    return x2 != 0 and pow(x2, (P - 1) // 2, P) == 1


@lru_cache(maxsize=65_536)
def signature_is_good(key, message, signature):
    """SIG-03: strict. OpenSSL's equation has no cofactor; it does not refuse small order."""
    if int.from_bytes(signature[32:], "little") >= L or small_order(signature[:32]):
        return False
    if int.from_bytes(signature[:32], "little") & (2**255 - 1) >= P or not key_is_good(key):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        return True
    except (InvalidSignature, ValueError):
        return False


# --- section 2: encoding ----------------------------------------------------------------------

class Reader:
    """Reads the canonical encoding; Form on anything else."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if count > len(self.data) - self.at:
            raise Form("BND-02: the frame breaks off (ENC-02)")
        part = self.data[self.at:self.at + count]
        self.at += count
        return part

    def number(self, layout):
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]

    def u8(self):
        return self.number("<B")

    def u16(self):
        return self.number("<H")

    def u32(self):
        return self.number("<I")

    def u64(self):
        return self.number("<Q")

    def tagged(self, count):
        if self.u8() != 1:
            raise Form("BND-02: unknown algorithm (ENC-02)")
        return self.take(count)

    def digest(self):
        return self.tagged(32)

    def key(self):
        key = self.tagged(32)
        if not key_is_good(key):
            raise Form("BND-02: not a usable key (SIG-01, SIG-02)")
        return key

    def signature(self):
        return self.tagged(64)

    def octets(self):
        return self.take(self.u64())

    def text(self):
        try:
            return self.octets().decode("utf-8")
        except UnicodeDecodeError:
            raise Form("BND-02: a text is not UTF-8 (ENC-02)") from None

    def list(self, item, least):
        count = self.u64()
        if count * least > len(self.data) - self.at:
            raise Form("BND-02: a list longer than its frame (ENC-02)")
        return [item() for _ in range(count)]

    def option(self, item):
        flag = self.u8()
        if flag > 1:
            raise Form("BND-02: neither there nor not (ENC-02)")
        return item() if flag else None

    def end(self):
        if self.at != len(self.data):
            raise Form("BND-02: bytes left over (ENC-03)")


def chain_id(reader):
    text = reader.text()
    if not 1 <= len(text) <= 64 or any(c not in "abcdefghijklmnopqrstuvwxyz0123456789-" for c in text):
        raise Form("BND-02: not a chain id")
    return text


class Header:
    """Section 6."""

    def __init__(self, reader):
        start = reader.at
        self.version = reader.u16()
        self.chain_id = chain_id(reader)
        self.protocol_version = reader.u32()
        self.height = reader.u64()
        self.time_ms = reader.u64()
        self.parent = reader.digest()
        self.proposer = reader.option(reader.key)
        self.transactions = reader.u32()
        self.body = reader.digest()
        self.log_size = reader.u64()
        self.log_root = reader.digest()
        self.state_root = reader.digest()
        self.validator_set_hash = reader.digest()
        self.next_validator_set_hash = reader.digest()
        self.id = hashed(b"mulu/header/v1", reader.data[start:reader.at])


class ValidatorSet:
    """Section 9."""

    def __init__(self, reader):
        start = reader.at
        self.validators = reader.list(lambda: (reader.key(), reader.u64(), reader.text()), 49)
        self.hash = hashed(b"mulu/validator-set/v1", reader.data[start:reader.at])
        self.powers = {key: power for key, power, _ in self.validators}

    def check(self):
        keys = [key for key, _, _ in self.validators]
        if not 1 <= len(keys) <= VALIDATORS_MAX:
            raise Bad("VAL-01: 1 to 128 validators")
        if any(a >= b for a, b in zip(keys, keys[1:])):
            raise Bad("VAL-01: not sorted by key, or a key twice")
        powers = [power for _, power, _ in self.validators]
        if min(powers) < 1 or sum(powers) >= TOTAL_POWER_END:
            raise Bad("VAL-01: a power of nothing, or too much power")

    def is_quorum(self, power):
        return 3 * power > 2 * sum(self.powers.values())


class Certified:
    """A header and the certificate that decided it."""

    def __init__(self, reader):
        self.header = Header(reader)
        self.height, self.round = reader.u64(), reader.u32()
        self.block = reader.digest()
        self.signatures = reader.list(lambda: (reader.key(), reader.signature()), 98)

    def check(self, chain, validators):
        header = self.header
        if header.version != 1 or header.chain_id != chain:
            raise Bad(f"header {header.height} is of another version or chain")
        if self.height != header.height or self.block != header.id:
            raise Bad(f"the certificate at {header.height} is for another block")
        if header.validator_set_hash != validators.hash:
            raise Bad(f"header {header.height} names another validator set")
        keys = [key for key, _ in self.signatures]
        if any(a >= b for a, b in zip(keys, keys[1:])):
            raise Bad("CRT-01: signatures are not sorted, or a validator occurs twice")
        if any(key not in validators.powers for key in keys):
            raise Bad("CRT-02: a signer is not in the set of the height")
        name = chain.encode()
        vote = struct.pack("<Q", len(name)) + name + struct.pack("<QI", self.height, self.round)
        vote += struct.pack("<IB", 1, 1) + b"\x01" + self.block
        signed = preimage(b"mulu/vote/v1", vote)
        for key, signature in self.signatures:
            if not signature_is_good(key, signed, signature):
                raise Bad("CRT-03: a signature does not verify")
        if not validators.is_quorum(sum(validators.powers[key] for key in keys)):
            raise Bad("CRT-04: the signers hold no quorum")


class Envelope:
    """Section 5."""

    def __init__(self, reader):
        start = reader.at
        self.payload = reader.octets()
        self.signatures = reader.list(lambda: (reader.key(), reader.signature()), 98)
        self.digest = hashed(b"mulu/envelope/v1", reader.data[start:reader.at])
        self.signed = b"DSSEv1 %d %s %d %s" % (
            len(PAYLOAD_TYPE), PAYLOAD_TYPE, len(self.payload), self.payload)
        self.id = sha256(self.signed)

    def check(self):
        if len(self.payload) > PAYLOAD_BYTES_MAX:
            raise Bad("TX-02: the payload is too long")
        keys = [key for key, _ in self.signatures]
        if not 1 <= len(keys) <= SIGNATURES_MAX or any(a >= b for a, b in zip(keys, keys[1:])):
            raise Bad("TX-04: 1 to 32 signatures, each by another key, sorted by key")
        for key, signature in self.signatures:
            if not signature_is_good(key, self.signed, signature):
                raise Bad("TX-05: a signature does not verify")


class Outcome:
    def __init__(self, reader):
        start = reader.at
        variant = reader.u32()
        if variant > 1:
            raise Form("BND-02: unknown outcome (ENC-02)")
        self.accepted = variant == 0
        if not self.accepted:
            self.rule, self.action = reader.text(), reader.u32()
        self.bytes = reader.data[start:reader.at]

    def is_well_formed(self):
        return self.accepted or (0 < len(self.rule.encode()) <= RULE_BYTES_MAX and self.rule.isascii())


class LogEntry:
    """Section 7."""

    def __init__(self, version, height, index, time_ms, transaction, envelope, outcome):
        self.version, self.height, self.index, self.time_ms = version, height, index, time_ms
        self.transaction, self.outcome = transaction, outcome
        leaf = struct.pack("<HQIQ", version, height, index, time_ms)
        leaf += b"\x01" + transaction + b"\x01" + envelope + outcome.bytes
        self.hash = sha256(b"\x00" + leaf)

    @classmethod
    def read(cls, reader):
        return cls(reader.u16(), reader.u64(), reader.u32(), reader.u64(), reader.digest(),
                   reader.digest(), Outcome(reader))


# --- 10.1: the file ---------------------------------------------------------------------------

HEAD, SET_CHANGE, TIP, STUB, RECORD, LEAF, EMPTY, ABSENT, HISTORY, LOG_STUB, LOG_LEAF, \
    TRANSACTION, END = range(13)


def decode(data):
    reader = Reader(data)
    kind = reader.u32()
    if kind == HEAD:
        body = (reader.u16(), chain_id(reader), reader.text(), Header(reader), ValidatorSet(reader))
    elif kind == SET_CHANGE:
        body = (Certified(reader), ValidatorSet(reader))
    elif kind == TIP:
        body = Certified(reader)
    elif kind == STUB:
        body = (reader.u16(), reader.digest())
    elif kind == RECORD:
        body = (reader.u16(), reader.text(), reader.octets())
    elif kind == LEAF:
        body = (reader.u16(), reader.digest(), reader.digest())
    elif kind == EMPTY:
        body = reader.u16()
    elif kind in (ABSENT, HISTORY):
        body = reader.text()
    elif kind == LOG_STUB:
        body = (reader.u8(), reader.digest())
    elif kind == LOG_LEAF:
        body = LogEntry.read(reader)
    elif kind == TRANSACTION:
        height, index, time_ms = reader.u64(), reader.u32(), reader.u64()
        outcome, envelope = Outcome(reader), Envelope(reader)
        events = reader.list(lambda: (reader.u32(), reader.u32()), 8)
        entry = LogEntry(1, height, index, time_ms, envelope.id, envelope.digest, outcome)
        body = (entry, envelope, events)
    elif kind == END:
        body = reader.u64()
    else:
        raise Form("BND-02: unknown frame (ENC-02)")
    reader.end()
    return kind, body


def frames(source):
    """All frames but the last, in the order of the file."""
    if source.read(8) != MAGIC:
        raise NotABundle("BND-01: the file does not begin with MULUBND2")
    count = 0
    while True:
        head = source.read(4)
        if len(head) < 4:
            raise Form("BND-03: the file ends before its last frame")
        length = struct.unpack("<I", head)[0]
        if length > FRAME_BYTES_MAX:
            raise Form("BND-02: a frame is too long (ENC-01)")
        data = source.read(length)
        if len(data) < length:
            raise Form("BND-03: the file ends within a frame")
        kind, body = decode(data)
        if kind == END:
            if body != count:
                raise Form("BND-03: the last frame counts other frames than there are")
            if source.read(1):
                raise Form("BND-03: bytes follow the last frame")
            return
        count += 1
        yield kind, body


# --- 10.2: the state cover ----------------------------------------------------------------------

def key_hash(key):
    return hashed(b"mulu/state-key/v1", key.encode())


def leaf_hash(key, value):
    return sha256(b"JMT::LeafNode" + key + value)


def path_of(digest):
    return int.from_bytes(digest, "big")


class StateCover:
    def __init__(self):
        self.left = []  # finished left siblings: depth, hash, whether a stub
        self.next = 0   # where the next part begins, as a number of 256 bits
        self.last = None
        self.root = None

    def add(self, depth, digest, stub):
        if self.root is not None:
            raise Bad("parts follow after the whole is covered")
        if depth > 256 or self.next % (1 << (256 - depth)):
            raise Bad("a part does not lie where the part before it ends")
        begins, at = self.next, depth
        while at > 0:
            if not begins >> (256 - at) & 1:
                self.left.append((at, digest, stub))
                break
            if not self.left or self.left[-1][0] != at:
                raise Bad("a part has no sibling")
            _, sibling, other = self.left.pop()
            if stub and other:
                raise Bad("two stubs could be one")
            digest, stub, at = sha256(b"JMT::IntrnalNode" + sibling + digest), False, at - 1
        else:
            self.root = digest
        self.next = begins + (1 << (256 - depth))
        return begins

    def lies_in(self, digest, depth, begins):
        return depth == 0 or path_of(digest) >> (256 - depth) == begins >> (256 - depth)

    def stub(self, depth, digest):
        self.last = None
        self.add(depth, digest, True)

    def leaf(self, depth, key, value):
        self.last = None
        begins = self.add(depth, leaf_hash(key, value), False)
        if not self.lies_in(key, depth, begins):
            raise Bad("a key does not lie where it is said to")
        self.last = (depth, begins, key)

    def empty(self, depth):
        self.last = None
        self.last = (depth, self.add(depth, EMPTY_SUBTREE, False), None)

    def absent(self, key):
        digest = key_hash(key)
        if self.last is None:
            raise Bad(f"{key}: nothing shows that it is absent")
        depth, begins, leaf = self.last
        if leaf == digest or not self.lies_in(digest, depth, begins):
            raise Bad(f"{key}: it does not lie where it is said to be absent")


# --- 10.3: the log cover ------------------------------------------------------------------------

class LogCover:
    def __init__(self):
        self.size, self.peaks = 0, []

    def add(self, level, digest, stub):
        if level > LOG_LEVEL_MAX or self.size % (1 << level) or self.size + (1 << level) > 1 << LOG_LEVEL_MAX:
            raise Bad("a part does not lie where the part before it ends")
        self.size += 1 << level
        while self.peaks and self.peaks[-1][0] == level:
            _, left, other = self.peaks.pop()
            if stub and other:
                raise Bad("two stubs could be one")
            level, digest, stub = level + 1, sha256(b"\x01" + left + digest), False
        self.peaks.append((level, digest, stub))

    def root(self):
        if not self.peaks:
            return sha256(b"")
        digest = self.peaks[-1][1]
        for _, left, _ in reversed(self.peaks[:-1]):
            digest = sha256(b"\x01" + left + digest)
        return digest


# --- 10.4: questions ----------------------------------------------------------------------------

class Question:
    def __init__(self, text):
        self.subject = self.transaction = self.range = None
        invalid = Form(f"BND-02: `{text[:80]}` is not a question")
        controls = any(ord(c) < 0x20 or 0x7f <= ord(c) <= 0x9f for c in text)
        if not text or len(text.encode()) > QUESTION_BYTES_MAX or controls:
            raise invalid
        kind, slash, rest = text.partition("/")
        try:
            if slash and kind == "transaction":
                self.transaction = digest_of(rest)
            elif slash and kind in ("heights", "times"):
                first, last = rest.split("-")
                numbers = int(first), int(last)
                canonical = f"{numbers[0]}-{numbers[1]}" == rest and max(numbers) < 1 << 64
                if not canonical or numbers[0] > numbers[1] or min(numbers) < 0:
                    raise invalid
                self.range = (kind, *numbers)
            elif slash and kind == "receipts-of":
                if not rest.startswith(("entry/", "authorization/")):
                    raise invalid
                self.subject = self.key(rest)
            elif slash and kind == "grants-of":
                if not rest.startswith("office/"):
                    raise invalid
                self.subject = self.key(rest)
            elif slash and kind == "no-grant":
                party, slash, entry = rest.rpartition("/")
                if not slash:
                    raise invalid
                self.key(party)
                self.subject = "entry/" + text_of(digest_of(entry))
            else:
                self.subject = self.key(text)
        except ValueError:
            raise invalid from None

    @staticmethod
    def key(text):
        if not text or len(text.encode()) > KEY_BYTES_MAX - len("history/"):
            raise ValueError
        return text


# --- 10.5: verification ---------------------------------------------------------------------------

CHECKS = ["bundle-form", "genesis", "validator-sets", "tip-certificate", "state-records",
          "signatures", "log-entries", "log-inclusion", "histories-complete", "question"]

PARTS = {HEAD: 1, SET_CHANGE: 2, TIP: 3, STUB: 4, RECORD: 4, LEAF: 4, EMPTY: 4, ABSENT: 4,
         HISTORY: 5, LOG_STUB: 6, LOG_LEAF: 6, TRANSACTION: 6}


class Verifier:
    def __init__(self, genesis):
        self.trusted = genesis
        self.failures = {name: None for name in CHECKS}
        self.part, self.needs_absent = 0, False
        self.question = self.set = self.tip = None
        self.set_height = 0
        self.state, self.log = StateCover(), LogCover()
        self.leaves, self.histories = {}, []
        self.last_subject = self.last_absent = self.last_place = None
        self.record_found = self.history_found = self.transaction_found = False
        self.before, self.beyond, self.gap = "start", False, None

    def fail(self, check, why):
        if self.failures[check] is None:
            self.failures[check] = why

    def run(self, source):
        """Reads all frames; what is wrong is in `failures`."""
        try:
            for kind, body in frames(source):
                self.enter(kind)
                self.take(kind, body)
            if self.needs_absent or self.part < 4:
                raise Form("BND-03: the bundle ends too early")
        except Form as invalid:
            self.fail("bundle-form", str(invalid))
        self.close()
        return all(failure is None for failure in self.failures.values())

    def enter(self, kind):
        if self.needs_absent and kind != ABSENT:
            raise Form("BND-03: a leaf or empty subtree without a key that is absent there")
        part = PARTS[kind]
        allowed = {1: (0,), 2: (1, 2), 3: (1, 2), 4: (3, 4), 5: (4, 5), 6: (4, 5, 6)}[part]
        if self.part not in allowed or (kind == ABSENT and self.part != 4):
            raise Form("BND-03: frames are out of order")
        self.part = part
        self.needs_absent = False

    def take(self, kind, body):
        if kind == HEAD:
            self.head(*body)
        elif kind == SET_CHANGE:
            self.attempt("validator-sets", self.set_change, *body)
        elif kind == TIP:
            self.attempt("tip-certificate", self.certified_tip, body)
        elif kind == STUB:
            self.attempt("state-records", self.state.stub, *body)
        elif kind == RECORD:
            self.record(*body)
        elif kind == LEAF:
            self.needs_absent, self.last_absent = True, None
            self.attempt("state-records", self.state.leaf, *body)
        elif kind == EMPTY:
            self.needs_absent, self.last_absent = True, None
            self.attempt("state-records", self.state.empty, body)
        elif kind == ABSENT:
            self.absent(body)
        elif kind == HISTORY:
            self.history(body)
        elif kind == LOG_STUB:
            if self.before == "in":
                self.gap = self.gap or "what follows the last transaction told is not told"
            self.before = "unknown"
            self.attempt("log-inclusion", self.log.add, *body, True)
        elif kind == LOG_LEAF:
            self.leaf(body, told=False)
        elif kind == TRANSACTION:
            self.transaction(*body)

    def attempt(self, check, act, *arguments):
        try:
            act(*arguments)
        except Bad as bad:
            self.fail(check, str(bad))

    def head(self, version, chain, question, genesis, validators):
        if version != 2:
            raise Form(f"BND-02: version {version}")
        self.question = Question(question)
        self.chain, self.set = chain, validators
        if genesis.id != self.trusted:
            self.fail("genesis", f"the bundle's genesis is {text_of(genesis.id)}")
        if genesis.height != 0 or genesis.chain_id != chain:
            self.fail("genesis", "the genesis header is not block 0 of this chain")
        self.attempt("genesis", validators.check)
        if validators.hash != genesis.next_validator_set_hash:
            self.fail("genesis", "the validators are not those the genesis commits to")

    def set_change(self, announced_by, following):
        previous, self.set = self.set, following
        height, self.set_height = self.set_height, announced_by.header.height
        if announced_by.header.height <= height:
            raise Bad("set changes are out of order")
        announced_by.check(self.chain, previous)
        following.check()
        if following.hash != announced_by.header.next_validator_set_hash:
            raise Bad("the header announces another set")
        if following.hash == previous.hash:
            raise Bad("the header announces no change")

    def certified_tip(self, certified):
        self.tip = certified.header
        if self.set_height and self.tip.height <= self.set_height:
            self.fail("validator-sets", "a change of the set is not before the tip")
        certified.check(self.chain, self.set)
        if self.tip.height == 0:
            raise Bad("the tip must be a decided block")

    def bounds(self, key, value=b""):
        if len(key.encode()) > KEY_BYTES_MAX or len(value) > VALUE_BYTES_MAX:
            self.fail("state-records", "a record exceeds its bound")

    def record(self, depth, key, value):
        self.last_absent = None
        self.attempt("state-records", self.state.leaf, depth, key_hash(key), sha256(value))
        self.bounds(key, value)
        self.seen(key, value)

    def absent(self, key):
        self.attempt("state-records", self.state.absent, key)
        if self.last_absent is not None and self.last_absent.encode() >= key.encode():
            self.fail("state-records", "absent keys are not in order")
        self.last_absent = key
        self.bounds(key)
        self.seen(key, None)

    def seen(self, key, value):
        if key.startswith("history/"):
            if value is None:
                self.leaves[key[8:]] = (0, bytes(32))
            elif len(value) != 41 or value[8] != 1:
                self.fail("histories-complete", f"{key}: not a history leaf")
            else:
                self.leaves[key[8:]] = (struct.unpack("<Q", value[:8])[0], value[9:])
        if self.question.subject == key:
            self.record_found = True

    def history(self, subject):
        proved = self.leaves.pop(subject, None)
        if proved is None:
            self.fail("histories-complete", f"history/{subject} is missing")
        if self.last_subject is not None and self.last_subject.encode() >= subject.encode():
            self.fail("histories-complete", f"{subject}: histories are not in order")
        if len(self.histories) >= HISTORIES_MAX:
            self.fail("histories-complete", "too many histories")
        else:
            self.histories.append([proved or (0, bytes(32)), (0, bytes(32))])
        self.last_subject = subject
        if self.question.subject == subject:
            self.history_found = True

    def leaf(self, entry, told):
        self.follow_range(entry, told)
        place = (entry.height, entry.index)
        if entry.version != 1 or not entry.outcome.is_well_formed():
            self.fail("log-entries", "malformed log entry")
        elif entry.height > self.tip.height:
            self.fail("log-entries", "committed after the tip")
        elif self.last_place is not None and self.last_place >= place:
            self.fail("log-entries", "transactions are not in log order")
        self.last_place = place
        self.attempt("log-inclusion", self.log.add, 0, entry.hash, False)

    def transaction(self, entry, envelope, events):
        self.leaf(entry, told=True)
        if self.question.transaction == entry.transaction:
            self.transaction_found = True
        self.attempt("signatures", envelope.check)
        if events and not entry.outcome.accepted:
            self.fail("histories-complete", "a rejected transaction is no event")
        if any(a >= b for a, b in zip(events, events[1:])):
            self.fail("histories-complete", "events are not in order")
        for action, number in events:
            if number >= len(self.histories):
                self.fail("histories-complete", "an event of no history")
                continue
            history = self.histories[number]
            count, head = history[1]
            event = struct.pack("<QII", entry.height, entry.index, action) + b"\x01" + entry.transaction
            history[1] = (count + 1, hashed(b"mulu/history/v1", b"\x01" + head + event))

    def follow_range(self, entry, told):
        if self.question.range is None:
            return
        kind, first, last = self.question.range
        value = entry.height if kind == "heights" else entry.time_ms
        now = "before" if value < first else "after" if value > last else "in"
        if now == "in" and not told:
            self.gap = self.gap or "a transaction in the range is only named"
        enters = now == "in" or (now == "after" and not self.beyond)
        if enters and self.before == "unknown":
            self.gap = self.gap or "what lies before a transaction is not told"
        self.beyond = self.beyond or now == "after"
        self.before = now

    def close(self):
        if self.question is None:
            self.fail("genesis", "there is no genesis")
        if self.tip is None:
            self.fail("tip-certificate", "there is no tip")
            return
        if self.state.root != self.tip.state_root:
            self.fail("state-records", "STA-01: the records do not lead to the tip's state root")
        if (self.log.size, self.log.root()) != (self.tip.log_size, self.tip.log_root):
            self.fail("log-inclusion", "LOG-01: the transactions do not lead to the tip's log root")
        if any(proved != told for proved, told in self.histories):
            self.fail("histories-complete", "the events told are not those the state commits to")
        self.attempt("question", self.answer)

    def answer(self):
        question = self.question
        if question.transaction is not None:
            if not self.transaction_found:
                raise Bad("the transaction is missing")
        elif question.range is not None:
            kind, _, last = question.range
            if last > (self.tip.height if kind == "heights" else self.tip.time_ms):
                raise Bad("the range ends after the tip")
            if self.gap:
                raise Bad(self.gap)
            if self.before == "unknown" and not self.beyond:
                raise Bad("what follows the range is not told")
        elif not self.record_found:
            raise Bad(f"the record {question.subject} is missing")
        elif not self.history_found:
            raise Bad(f"the history of {question.subject} is missing")


def verify(source, genesis):
    """Returns (exit code, failures by check)."""
    verifier = Verifier(genesis)
    try:
        good = verifier.run(source)
    except NotABundle as nothing:
        return 2, {"bundle-form": str(nothing)}
    return (0 if good else 1), {k: v for k, v in verifier.failures.items() if v is not None}


def batch():
    for line in sys.stdin:
        asked = json.loads(line)
        bundle = io.BytesIO(base64.b64decode(asked["bundle"]))
        code, failures = verify(bundle, digest_of(asked["genesis"]))
        print(json.dumps({"exit": code, "failures": failures}, ensure_ascii=False), flush=True)
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", nargs="?")
    parser.add_argument("--genesis", help="sha256:… of block 0, which the auditor brings along")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--batch", action="store_true", help="many bundles over standard input")
    options = parser.parse_args()
    if options.batch:
        return batch()
    if not options.bundle or not options.genesis:
        parser.error("a bundle and --genesis are needed: without the genesis digest nothing can be verified")
    try:
        genesis = digest_of(options.genesis)
        with open(options.bundle, "rb") as source:
            code, failures = verify(source, genesis)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if options.json:
        checks = [{"name": name, "passed": name not in failures, "failure": failures.get(name)}
                  for name in CHECKS]
        print(json.dumps({"verified": code == 0, "exit": code, "checks": checks}, ensure_ascii=False, indent=2))
    else:
        for name in CHECKS:
            print(f"{'✗' if name in failures else '✓'} {name}" + (f": {failures[name]}" if name in failures else ""))
        print(["VERIFIED", "FAILED", "UNDECIDABLE"][code])
    return code


if __name__ == "__main__":
    sys.exit(main())
