"""What a bundle is asked, and whether what the question needs is there (SPEC 10.4)."""

from . import encoding

# First parts of the state keys of SPEC 11.1. Two of them are whole keys.
KEY_KINDS = (
    "member office key duty system entry submission code entry-name authoritative source authorization receipt"
    " receipt-chain delegation correction objection operation region class evidence history"
).split()
WHOLE_KEYS = ("params", "validators", "regions", "classes", "evidence")
NUMBER_LIMIT = 2**64


class Question:
    """Parsed, and told what the bundle holds. `fault(tip)` is asked at the end."""

    def __init__(self, text):
        """Raises `NotABundle` for a question that this version does not know (BND-02)."""
        self.text = text
        self.kind, _, rest = text.partition("/")
        self.key = None  # of the record that is needed, with its history
        self.transaction = None
        self.range = None  # of heights or block times, both ends within
        if self.kind == "transaction":
            self.transaction = encoding.digest_of_text(rest)
            known = self.transaction is not None
        elif self.kind in ("heights", "times"):
            self.range = _range(rest)
            known = self.range is not None
        elif self.kind == "receipts-of":
            self.key = rest
            known = rest.startswith(("entry/", "authorization/"))
        elif self.kind == "grants-of":
            self.key = rest
            known = rest.startswith("office/")
        elif self.kind == "no-grant":
            asker, _, entry = rest.partition("/")
            self.key = "entry/" + entry
            known = bool(asker) and encoding.digest_of_text(entry) is not None
        else:
            self.key = text
            known = text in WHOLE_KEYS or (self.kind in KEY_KINDS and rest != "")
        if not known:
            raise encoding.NotABundle("BND-02: an unknown question: " + encoding.shown(text))
        self._key_known = self._history_known = self._transaction_seen = False
        # How far the frames of the log have come: "before" the range with no stub since the last leaf,
        # "within" it without a gap, "complete" with the first leaf after it, or "open".
        self._progress = "before"
        self._incomplete = False

    def state(self, key, value):
        if key == self.key:
            self._key_known = True
            self.value = value

    def history(self, subject):
        if subject == self.key:
            self._history_known = True

    def transaction_frame(self, entry):
        if entry.transaction == self.transaction:
            self._transaction_seen = True
        self._leaf(entry, is_whole=True)

    def log_leaf(self, entry):
        self._leaf(entry, is_whole=False)

    def _leaf(self, entry, is_whole):
        if self.range is None:
            return
        first, last = self.range
        place = entry.height if self.kind == "heights" else entry.time_ms
        if place < first:
            self._progress = "before"
        elif place > last:
            self._progress = "complete" if self._progress in ("before", "within") else self._progress
        elif not is_whole or self._progress == "open":
            self._incomplete = True
        else:
            self._progress = "within"

    def log_stub(self):
        if self._progress != "complete":
            self._progress = "open"

    def fault(self, tip):
        """Why what the question needs is not there, or None."""
        if self.transaction is not None:
            return None if self._transaction_seen else "the transaction is not in the bundle"
        if self.key is not None:
            if not self._key_known:
                return "neither the record nor its absence is in the bundle"
            return None if self._history_known else "the history of the record is not in the bundle"
        tip_place = tip.height if self.kind == "heights" else tip.time_ms
        if self.range[1] > tip_place:
            return "the range ends after the tip"
        if self._incomplete or self._progress == "open":
            return "the transactions of the range are not all in the bundle"
        return None


def _range(text):
    first, dash, last = text.partition("-")
    numbers = []
    for part in (first, last):
        # As an integer is written, and no longer than the longest of 64 bits.
        if not 1 <= len(part) <= 20 or any(symbol not in "0123456789" for symbol in part):
            return None
        numbers.append(int(part))
    if not dash or numbers[1] >= NUMBER_LIMIT or numbers[0] > numbers[1]:
        return None
    return tuple(numbers)
