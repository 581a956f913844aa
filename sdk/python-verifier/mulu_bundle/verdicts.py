"""What a verified bundle says, derived again from its records and transactions (SPEC 10.6).

The `Witness` is told every record and transaction as the bundle is read; `verdicts` is asked only if
all the evidence holds. Kept are the grants, keys and receipts' counts, and what becomes a verdict.
"""

import json
from datetime import datetime, timedelta, timezone

from . import crypto, encoding
from .standing import inactive_text, is_within, standing
from .words import REASONS, TITLES

VERDICTS_MAX = 100  # of the uses of one grant, and of the rejected transactions
NUMBER_MAX = 2**64 - 1
COUNTS = ("calls", "records", "bytes")
BEIJING = timezone(timedelta(hours=8))
EPOCH = datetime(1970, 1, 1, tzinfo=BEIJING) + timedelta(hours=8)


def parsed(data):
    """The JSON object in these bytes, or an empty one: the evidence says what is recorded, not its sense."""
    try:
        value = json.loads(data.decode("utf-8"), parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def part(value, *names):
    """The object, list, text or number so many names deep, or None."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def number(value, *names):
    found = part(value, *names)
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else 0


def text(value, *names):
    found = part(value, *names)
    return found if isinstance(found, str) else "-"


def listed(value, *names):
    found = part(value, *names)
    return found if isinstance(found, list) else []


def time_text(time_ms):
    try:
        return (EPOCH + timedelta(milliseconds=time_ms)).isoformat(timespec="milliseconds")
    except OverflowError:
        return "%d ms" % time_ms


def verdict(subject, name, basis, because, because_zh):
    return {"subject": subject, "verdict": name, "basis": basis, "because": because, "because_zh": because_zh}


def say(name, *values):
    """The words of a reason in English and in Chinese."""
    english, chinese = REASONS[name]
    return english % values, chinese % values


class Grant:
    """A grant and what its acts make of it, in order."""

    def __init__(self, key, record):
        self.key = key
        self.record = record
        self.finalized = self.suspended = False
        self.ended = None  # (how, at which height)
        self.totals = {kind: dict.fromkeys(COUNTS, 0) for kind in ("delivered", "received", "used")}
        self.uses = []
        self.counted = 0

    def act(self, kind, action, height):
        """An act of the history that is no receipt."""
        if kind == "authorization.finalize":
            named = part(action, "authorization_id")
            if named == self.key.partition("/")[2]:
                self.finalized = True
            elif named is not None and named == part(self.record, "superseded_by"):
                self.ended = ("superseded", height)
        elif kind == "authorization.suspend":
            self.suspended = True
        elif kind == "authorization.resume":
            self.suspended = False
        elif kind in ("authorization.revoke", "authorization.relinquish"):
            self.ended = ("revoked" if kind.endswith("revoke") else "relinquished", height)

    def receipt(self, receipt_id, action, by, height, corrected):
        if part(action, "authorization_id") != self.key.partition("/")[2]:
            return
        kind, subject = text(action, "kind"), "receipt/" + receipt_id
        if kind == "denied":
            basis, why = self.why_not(action)
            english, chinese = say("denied", by, height)
            self.uses.append(verdict(subject, "NOT AUTHORIZED", basis, english + why[0], chinese + why[1]))
            return
        if kind in self.totals:
            total = self.totals[kind]
            for name in COUNTS:
                taken = max(0, total[name] - number(corrected, "counts", name))
                total[name] = min(NUMBER_MAX, taken + number(action, "counts", name))
        if len(self.uses) >= VERDICTS_MAX:
            self.counted += 1
            return
        counts = number(action, "counts", "calls"), number(action, "counts", "records")
        self.uses.append(
            verdict(subject, "AUTHORIZED", "RCP-01..12", *say("used", kind, height, *counts, self.key))
        )

    def why_not(self, action):
        """The rule and the words for why an attempt was denied: the first that holds."""
        if not self.finalized:
            return "RCP-01", say("not finalized")
        if self.ended:
            return "RCP-01", say("ended", *self.ended)
        if self.suspended:
            return "RCP-01", say("suspended")
        extent = part(self.record, "granted") or part(self.record, "requested")
        for item in listed(action, "items"):
            if item not in listed(extent, "items"):
                return "RCP-04", say("item", item)
        if part(action, "purpose") != part(self.record, "purpose"):
            return "RCP-05", say("purpose")
        if not is_within(part(action, "window"), part(extent, "window")):
            return "RCP-06", say("window")
        for kind in ("used", "delivered"):
            for name in COUNTS:
                limit = part(extent, "limits", name)
                together = min(NUMBER_MAX, self.totals[kind][name] + number(action, "counts", name))
                if limit is not None and together > number(extent, "limits", name):
                    return "RCP-08", say("limits")
        return "RCP-12", say("refused")


class Witness:
    def __init__(self):
        self._authorizations = {}
        self._keys = {}  # revoked ones, by key
        self._counts = {}  # of receipts, by id: what a correction takes off
        self._grants = None
        self._rejections = []
        self._transactions = self._rejected = self._receipts = 0
        self._answer = None

    def asked(self, question):
        self._question = question

    def state(self, key, value):
        if value is None:
            return
        kind, _, rest = key.partition("/")
        if kind == "authorization":
            self._authorizations[key] = parsed(value)
        elif kind == "receipt":
            record = parsed(value)
            if part(record, "corrected_by") is not None:
                self._counts[rest] = {"counts": part(record, "counts")}
        elif kind == "key":
            record = parsed(value)
            if "revoked_at_height" in record:
                self._keys[rest] = (record, [0, 0, 0])

    def _begin(self, histories):
        """The grants, in the order of the histories, once these are known."""
        self._grants = {
            place: Grant(history.subject, self._authorizations[history.subject])
            for place, history in enumerate(histories)
            if history.subject in self._authorizations
        }

    def transaction(self, entry, envelope, events, histories):
        if self._grants is None:
            self._begin(histories)
        rule = entry.outcome.rule
        self._transactions += 1
        self._rejected += rule is not None
        payload = None
        if self._question.transaction == entry.transaction and self._answer is None:
            self._answer = entry
        if rule is not None:
            if len(self._rejections) < VERDICTS_MAX:
                self._rejections.append(self._rejection(entry, parsed(envelope.payload)))
        elif events:
            payload = parsed(envelope.payload)
            self._acts(entry, payload, events, histories)
        for key, _ in envelope.signatures:
            if encoding.key_text(key) in self._keys:
                record, uses = self._keys[encoding.key_text(key)]
                uses[2 if rule is not None else entry.height > number(record, "revoked_at_height")] += 1

    def _acts(self, entry, payload, events, histories):
        actions = listed(payload, "actions")
        by = part(payload, "on_behalf_of")
        by = by if isinstance(by, str) else text(payload, "submitter", "member")
        receipts = set()
        for place, history in events:
            if history >= len(histories) or not histories[history].subject.startswith("authorization/"):
                continue
            action = actions[place] if place < len(actions) else None
            kind, grant = text(action, "type"), self._grants.get(history)
            if kind != "receipt.record":
                if grant:
                    grant.act(kind, action, entry.height)
                continue
            receipts.add(place)
            if grant:
                receipt_id = record_id(entry.transaction, place)
                corrected = self._counts.get(part(action, "corrects"))
                grant.receipt(receipt_id, action, by, entry.height, corrected)
        self._receipts += len(receipts)

    def _rejection(self, entry, payload):
        actions, place, rule = listed(payload, "actions"), entry.outcome.action, entry.outcome.rule
        name = part(actions[place], "type") if place < len(actions) else None
        title = TITLES.get(rule, (rule, rule))
        values = (name if isinstance(name, str) else "?", text(payload, "submitter", "member"), entry.height)
        english, chinese = say("rejected", *values)
        return verdict(
            "transaction/" + encoding.digest_text(entry.transaction),
            "NOT AUTHORIZED",
            rule,
            english + title[0],
            chinese + title[1],
        )

    def verdicts(self, tip, histories):
        if self._grants is None:
            self._begin(histories)
        grants = list(self._grants.values())
        said = [self._answered(tip, grants)]
        for grant in grants:
            said.append(where_it_stands(grant, tip))
            said += grant.uses
            if grant.counted:
                said.append(verdict(grant.key, "AUTHORIZED", "RCP-01..12", *say("counted", grant.counted)))
        said += self._rejections
        for key, (record, uses) in sorted(self._keys.items()):
            values = (number(record, "revoked_at_height"), text(record, "revocation_reason"), *uses)
            said.append(verdict("key/" + key, "REVOKED", "KEY-02", *say("revoked key", *values)))
        return [one for one in said if one]

    def _answered(self, tip, grants):
        question, height = self._question, tip.height

        def answer(name, basis, words):
            return verdict(question.text, name, basis, *words)

        if question.kind == "transaction" and self._answer:
            entry = self._answer
            when = (entry.height, time_text(entry.time_ms))
            rule, place = entry.outcome
            if rule is None:
                return answer("ACCEPTED", "BLK-07, LOG-01", say("accepted", *when))
            title = TITLES.get(rule, (rule, rule))
            english, chinese = say("rejected by", *when, place)
            return answer("REJECTED", rule, (english + title[0], chinese + title[1]))
        if question.range:
            return answer("COMPLETE", "SPEC 7, 10.4", say("range", self._transactions, self._rejected))
        if question.kind == "receipts-of":
            return answer("COMPLETE", "SPEC 8.3, 10.4", say("receipts", self._receipts, height))
        in_force = [grant for grant in grants if standing(grant.record, tip.time_ms) == "active"]
        if question.kind == "grants-of":
            office = question.key.partition("/")[2]
            held = sum(part(grant.record, "consumer_office") == office for grant in grants)
            live = sum(part(grant.record, "consumer_office") == office for grant in in_force)
            return answer("COMPLETE", "SPEC 8.3, 10.4", say("grants", held, height, live))
        if question.kind == "no-grant":
            basis = "SPEC 8.3, AUT-13, RCP-01"
            for grant in in_force:
                if question_is_about(question, grant):
                    return answer("GRANT EXISTS", basis, say("grant exists", grant.key, question.party, height))
            theirs = sum(question_is_about(question, grant) for grant in grants)
            return answer("NO GRANT", basis, say("no grant", height, theirs, question.party))
        if question.present:
            return answer("CURRENT", "STA-01, STA-02", say("current", height))
        return answer("ABSENT", "STA-03", say("absent", height))


def question_is_about(question, grant):
    of_entry = "entry/" + text(grant.record, "entry_id") == question.key
    parties = part(grant.record, "consumer"), part(grant.record, "consumer_office")
    return of_entry and question.party in parties


def where_it_stands(grant, tip):
    stands = standing(grant.record, tip.time_ms)
    english, chinese = say("at height", tip.height)
    name = {"expired": "EXPIRED", "exhausted": "EXHAUSTED"}.get(stands, "CURRENT")
    words = inactive_text(grant.record) if stands == "inactive" else REASONS[stands]
    return verdict(grant.key, name, "AUT-01..16", english + words[0], chinese + words[1])


def record_id(transaction, place):
    data = encoding.digest(transaction) + encoding.u32(place)
    return encoding.digest_text(crypto.tagged(b"mulu/record-id/v1", data))
