"""A bundle read frame by frame (SPEC 10.1) and the checks made of it (SPEC 10.5).

A file that does not begin as one is no bundle (BND-01). What breaks BND-02 or BND-03 fails the check
`bundle-form`: reading ends there, and the other checks are made of what came before.

Memory is bounded by the histories, of which there are at most 262,144, and by one frame.
"""

from collections import namedtuple

from . import chain, crypto, encoding
from .covers import LogCover, StateCover
from .encoding import Malformed, NotABundle
from .questions import Question

MAGIC = b"MULUBND2"
FRAME_BYTES_MAX = 262_144
HISTORIES_MAX = 262_144
CHECKS = (
    "bundle-form",
    "genesis",
    "validator-sets",
    "tip-certificate",
    "signatures",
    "log-entries",
    "log-inclusion",
    "state-records",
    "histories-complete",
    "question",
)
(HEAD, SET_CHANGE, TIP, STUB, RECORD, LEAF, EMPTY, ABSENT, HISTORY, LOG_STUB, LOG_LEAF, TRANSACTION, END) = range(13)
# The part of the file that a frame belongs to; parts come in this order.
PART_OF = (0, 1, 2, 3, 3, 3, 3, 3, 4, 5, 5, 5, 6)
NO_EVENTS = (0, bytes(32))

Evidence = namedtuple("Evidence", "failures question tip histories")


class History:
    """The events told so far of one subject, as count and head (SPEC 8.3)."""

    def __init__(self, subject, leaf):
        self.subject = subject
        self.leaf = leaf  # (count, head) in the state, or None if the state frames do not say
        self.count, self.head = NO_EVENTS


class BundleCheck:
    """Takes frames in order. Raises `Malformed` for what breaks BND-02 or BND-03; all else is a failure."""

    def __init__(self, genesis_trusted, witness=None):
        self.failures = {}  # by check: the first thing wrong
        self._genesis_trusted = genesis_trusted
        self._witness = witness  # told of records and transactions, for the verdicts
        self._part = -1
        self._frames = 0
        self.question = self.tip = None
        self._state = StateCover(self._state_known)
        self._log = LogCover()
        self._history_leaves = {}
        self.histories = []
        self._last_entry = None
        self.ended = False

    def _fail(self, check, why):
        if why is not None:
            self.failures.setdefault(check, why)

    def frame(self, data):
        if self.ended:
            raise Malformed("BND-03: something follows the end")
        reader = encoding.Reader(data)
        variant = reader.u32()
        if variant > END:
            raise Malformed("BND-02: an unknown frame")
        if self._state.absent_due and variant != ABSENT:
            raise Malformed("BND-03: a leaf or an empty subtree is followed by no key that is absent there")
        part = PART_OF[variant]
        self._order(variant, part)
        self._part = part
        READERS[variant](self, reader)
        self._frames += 1

    def _order(self, variant, part):
        single = part in (0, 2, 6)
        if part < self._part or (single and part == self._part):
            raise Malformed("BND-03: a frame out of order")
        # The part that must have come: a head first of all, a tip before the state, a state before the rest.
        if self._part < (-1, 0, 0, 2, 3, 3, 3)[part]:
            raise Malformed("BND-03: a part is left out")

    def _head(self, reader):
        version = reader.u16()
        self._chain_id = reader.chain_id()
        question = reader.text()
        header = chain.read_header(reader)
        validators = chain.read_validator_set(reader)
        reader.end()
        if version != 2:
            raise Malformed("BND-02: version %d is not known" % version)
        self.question = Question(question)
        if self._witness:
            self._witness.asked(self.question)
        if header.id != self._genesis_trusted:
            self._fail("genesis", "block 0 is %s, not the one brought along" % encoding.digest_text(header.id))
        if header.height != 0:
            self._fail("genesis", "the first header is not that of block 0")
        if header.chain_id != self._chain_id:
            self._fail("genesis", "block 0 is of another chain than the bundle")
        if header.validator_set_hash != validators.hash:
            self._fail("genesis", "the validators are not those that block 0 commits to")
        self._fail("genesis", validators.fault)
        self._validators = validators
        self._set_height = 0

    def _set_change(self, reader):
        header = chain.read_header(reader)
        certificate = chain.read_certificate(reader)
        next_set = chain.read_validator_set(reader)
        reader.end()
        check = "validator-sets"
        self._fail(check, chain.certificate_fault(header, certificate, self._validators, self._chain_id))
        if header.next_validator_set_hash != next_set.hash:
            self._fail(check, "the header at height %d announces another set" % header.height)
        if next_set.hash == self._validators.hash:
            self._fail(check, "the set announced at height %d is the one before" % header.height)
        if header.height <= self._set_height:
            self._fail(check, "the changes are not in order of height")
        self._fail(check, next_set.fault)
        self._validators, self._set_height = next_set, header.height

    def _tip(self, reader):
        header = chain.read_header(reader)
        certificate = chain.read_certificate(reader)
        reader.end()
        self.tip = header
        if self._set_height >= header.height:
            self._fail("validator-sets", "a change is not before the tip")
        if header.height == 0:
            self._fail("tip-certificate", "the tip is block 0, which nobody decided")
        self._fail(
            "tip-certificate", chain.certificate_fault(header, certificate, self._validators, self._chain_id)
        )

    def _stub(self, reader):
        depth, subtree = reader.u16(), reader.digest()
        reader.end()
        self._state.stub(depth, subtree)

    def _record(self, reader):
        depth, key, value = reader.u16(), reader.text(), reader.byte_list()
        reader.end()
        self._state.record(depth, key, value)

    def _leaf(self, reader):
        depth, key_hash, value_hash = reader.u16(), reader.digest(), reader.digest()
        reader.end()
        self._state.leaf(depth, key_hash, value_hash)

    def _empty(self, reader):
        depth = reader.u16()
        reader.end()
        self._state.empty(depth)

    def _absent(self, reader):
        key = reader.text()
        reader.end()
        self._state.absent(key)

    def _state_known(self, key, value):
        """A record, or with None its absence, that the state frames tell."""
        self.question.state(key, value)
        if self._witness:
            self._witness.state(key, value)
        if key.startswith("history/"):
            if len(self._history_leaves) >= HISTORIES_MAX:
                raise Malformed("BND-03: more than %d histories" % HISTORIES_MAX)
            self._history_leaves[key[len("history/") :]] = NO_EVENTS if value is None else _history_leaf(value)

    def _history(self, reader):
        subject = reader.text()
        reader.end()
        if len(self.histories) >= HISTORIES_MAX:
            raise Malformed("BND-03: more than %d histories" % HISTORIES_MAX)
        check = "histories-complete"
        if self.histories and self.histories[-1].subject.encode() >= subject.encode():
            self._fail(check, "the histories are not in ascending order")
        leaf = self._history_leaves.get(subject)
        if leaf is None:
            self._fail(check, "the state frames do not tell the history of " + encoding.shown(subject))
        self.histories.append(History(subject, leaf))
        self.question.history(subject)

    def _log_stub(self, reader):
        level, subtree = reader.u8(), reader.digest()
        reader.end()
        self._log.stub(level, subtree)
        self.question.log_stub()

    def _log_leaf(self, reader):
        entry, leaf = chain.read_log_entry(reader)
        reader.end()
        self._log.leaf(leaf)
        self._log_order(entry)
        self.question.log_leaf(entry)

    def _transaction(self, reader):
        height, index, time_ms = reader.u64(), reader.u32(), reader.u64()
        outcome = chain.read_outcome(reader)
        envelope = chain.read_envelope(reader)
        events = reader.list(8, lambda: (reader.u32(), reader.u32()))
        reader.end()
        self._fail("signatures", chain.envelope_fault(envelope))
        entry = chain.LogEntry(1, height, index, time_ms, envelope.transaction, envelope.digest, outcome)
        self._log.leaf(chain.log_entry_bytes(entry))
        self._log_order(entry)
        self._tell_events(entry, events)
        self.question.transaction_frame(entry)
        if self._witness:
            self._witness.transaction(entry, envelope, events, self.histories)

    def _log_order(self, entry):
        check, last = "log-entries", self._last_entry
        if not chain.is_well_formed(entry):
            self._fail(check, "an entry of another version, or with a rule that is none")
        if last is not None and (entry.height, entry.index) <= (last.height, last.index):
            self._fail(check, "entries are not in order of height and index")
        if entry.height > self.tip.height:
            self._fail(check, "an entry of height %d is after the tip" % entry.height)
        self._last_entry = entry

    def _tell_events(self, entry, events):
        check = "histories-complete"
        if events and entry.outcome.rule is not None:
            self._fail(check, "a rejected transaction is told as an event")
        if any(one >= next_one for one, next_one in zip(events, events[1:])):
            self._fail(check, "the events of a transaction are not in ascending order")
        start = encoding.u64(entry.height) + encoding.u32(entry.index)
        for action, number in events:
            if number >= len(self.histories):
                self._fail(check, "an event of a history that the bundle does not have")
                continue
            history = self.histories[number]
            event = start + encoding.u32(action) + encoding.digest(entry.transaction)
            history.head = crypto.tagged(b"mulu/history/v1", encoding.digest(history.head) + event)
            history.count += 1

    def _end(self, reader):
        frames = reader.u64()
        reader.end()
        if frames != self._frames:
            raise Malformed("BND-03: the end counts %d frames, there are %d" % (frames, self._frames))
        self.ended = True

    def malformed(self, why):
        self._fail("bundle-form", why)

    def conclude(self):
        """What can be said only when no more frames come."""
        if self.question is None:
            self._fail("genesis", "there is no head")
        if self.tip is None:
            return self._fail("tip-certificate", "there is no tip")
        self._fail("log-inclusion", self._log.conclude(self.tip.log_size, self.tip.log_root))
        self._fail("state-records", self._state.conclude(self.tip.state_root))
        for history in self.histories:
            if history.leaf is not None and (history.count, history.head) != history.leaf:
                self._fail(
                    "histories-complete",
                    "the events told of %s are not those that the state counts" % encoding.shown(history.subject),
                )
        self._fail("question", self.question.fault(self.tip))


READERS = (
    BundleCheck._head,
    BundleCheck._set_change,
    BundleCheck._tip,
    BundleCheck._stub,
    BundleCheck._record,
    BundleCheck._leaf,
    BundleCheck._empty,
    BundleCheck._absent,
    BundleCheck._history,
    BundleCheck._log_stub,
    BundleCheck._log_leaf,
    BundleCheck._transaction,
    BundleCheck._end,
)


def _history_leaf(value):
    """`count: u64, head: digest`, or None if the value is not that."""
    reader = encoding.Reader(value)
    try:
        leaf = reader.u64(), reader.digest()
        reader.end()
    except Malformed:
        return None
    return leaf


def check(stream, genesis_trusted, witness=None):
    """The evidence of the bundle in this stream of bytes. Raises `NotABundle`."""
    if _read(stream, len(MAGIC)) != MAGIC:
        raise NotABundle("BND-01: the file does not begin with %s" % MAGIC.decode())
    bundle = BundleCheck(genesis_trusted, witness)
    try:
        for frame in _frames(stream):
            bundle.frame(frame)
        if not bundle.ended:
            raise Malformed("BND-03: the bundle has no end")
    except Malformed as wrong:
        bundle.malformed(str(wrong))
    bundle.conclude()
    failures = {name: bundle.failures[name] for name in CHECKS if name in bundle.failures}
    return Evidence(failures, bundle.question, bundle.tip, bundle.histories)


def _frames(stream):
    while True:
        length_bytes = _read(stream, 4)
        if not length_bytes:
            return
        length = int.from_bytes(length_bytes, "little")
        if len(length_bytes) < 4 or length > FRAME_BYTES_MAX:
            raise Malformed("BND-02: a frame is cut short or longer than %d bytes" % FRAME_BYTES_MAX)
        data = _read(stream, length)
        if len(data) < length:
            raise Malformed("BND-02: a frame is cut short")
        yield data


def _read(stream, count):
    """`count` bytes, fewer only at the end of the stream."""
    parts = []
    while count > 0:
        part = stream.read(count)
        if not part:
            break
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
