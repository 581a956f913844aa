"""What a bundle is asked, and whether what the question needs is there (SPEC 10.4)."""

from . import encoding

# A state key has at most 512 bytes, and `history/` stands before it in that of its history.
KEY_BYTES_MAX = 504
NUMBER_LIMIT = 2**64


class Question:
    """Parsed, and told what the bundle holds. `fault(tip)` is asked at the end."""

    def __init__(self, text):
        """Raises `Malformed` for a question that this version does not know (BND-02)."""
        self.text = text
        self.kind, _, rest = text.partition("/")
        self.key = None  # of the record that is needed, with its history
        self.transaction = self.party = None
        self.range = None  # of heights or block times, both ends within
        if self.kind == "transaction":
            self.transaction = encoding.digest_of_text(rest)
            known = self.transaction is not None
        elif self.kind in ("heights", "times"):
            self.range = _range(rest)
            known = self.range is not None
        elif self.kind == "receipts-of":
            self.key = rest
            known = rest.startswith(("entry/", "authorization/")) and _is_key(rest)
        elif self.kind == "grants-of":
            self.key = rest
            known = rest.startswith("office/") and _is_key(rest)
        elif self.kind == "no-grant":
            self.party, _, entry = rest.rpartition("/")
            self.key = "entry/" + entry
            known = _is_key(self.party) and encoding.digest_of_text(entry) is not None
        else:
            self.key = text
            known = _is_key(text)
        if not known:
            raise encoding.Malformed("BND-02: an unknown question: " + encoding.shown(text))
        self.present = self._key_known = self._history_known = self._transaction_seen = False
        # The last leaf was "before" the range, as is the beginning of the log, "within" or "after" it.
        self._place = "before"
        self._after_stub = self._incomplete = False

    def state(self, key, value):
        if key == self.key:
            self._key_known = True
            self.present = value is not None

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
        number = entry.height if self.kind == "heights" else entry.time_ms
        place = "before" if number < first else "within" if number <= last else "after"
        if self._after_stub and (place == "within" or (place, self._place) == ("after", "before")):
            self._incomplete = True
        if place == "within" and not is_whole:
            self._incomplete = True
        self._place, self._after_stub = place, False

    def log_stub(self):
        self._after_stub = True
        if self._place == "within":
            self._incomplete = True

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
        if self._incomplete or (self._after_stub and self._place == "before"):
            return "the transactions of the range are not all in the bundle"
        return None


def _is_key(text):
    """Of 1 to 504 bytes, without control characters (U+0000–001F, U+007F–009F)."""
    if any(ord(symbol) < 0x20 or 0x7F <= ord(symbol) <= 0x9F for symbol in text):
        return False
    return 1 <= len(text.encode("utf-8")) <= KEY_BYTES_MAX


def _range(text):
    first, dash, last = text.partition("-")
    numbers = []
    for part in (first, last):
        # As an integer is written, without leading zeros, and no longer than the longest of 64 bits.
        if not 1 <= len(part) <= 20 or any(symbol not in "0123456789" for symbol in part):
            return None
        if part[0] == "0" and part != "0":
            return None
        numbers.append(int(part))
    if not dash or numbers[1] >= NUMBER_LIMIT or numbers[0] > numbers[1]:
        return None
    return tuple(numbers)
