"""A node: submit and wait, read records with their proofs, follow events.

Every call is safe to repeat. A client is not thread-safe; make one per thread, they are cheap.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional

from . import encoding
from .errors import NotCommitted, Refused, Unreachable, VerificationFailed
from .keys import Key
from .transaction import Transaction
from .verify import Trust, history_head

ANSWER_BYTES_MAX = 64 * 1024 * 1024
VALID_HEIGHTS = 10_000
WAIT_MS_MAX = 20_000
RETRY_PAUSE_S_MAX = 5.0
EVENT_LINE_BYTES_MAX = 8 * 1024 * 1024


@dataclass(frozen=True)
class Record:
    """A record of the state. ``version`` is what ``prev`` and ``entry_version`` name."""

    key: str
    version: str
    value: Mapping[str, Any]
    height: int
    proved: bool


@dataclass(frozen=True)
class Result:
    """What became of a transaction."""

    id: str
    height: int
    index: int
    accepted: bool
    answer: Mapping[str, Any]


@dataclass(frozen=True)
class Event:
    """What one transaction did; ``id`` is the place to resume after."""

    id: str
    data: Mapping[str, Any]

    @property
    def kinds(self) -> List[str]:
        return [action["type"] for action in self.data["actions"]]

    @property
    def accepted(self) -> bool:
        return self.data["outcome"]["result"] == "accepted"


class Client:
    """A node at ``url``, and who this application is."""

    def __init__(
        self, url: str = "http://127.0.0.1:26701", *, key: Optional[Key] = None,
        member: Optional[str] = None, office: Optional[str] = None, trust: Optional[Trust] = None,
        timeout_s: float = 30.0, language: str = "en", token: Optional[str] = None,
    ) -> None:
        self.url = url.rstrip("/")
        self.key = key
        self._member = member
        self.office = office
        self.trust = trust
        self.timeout_s = timeout_s
        self._headers = {"accept-language": language, "user-agent": "mulu-python/0.1"}
        if token is not None:
            self._headers["authorization"] = f"Bearer {token}"
        # No proxy: a department's node is reached directly.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    @property
    def member(self) -> str:
        if self._member is None:
            raise ValueError("this client does not say which member it acts for")
        return self._member

    # Reading

    def get(self, path: str, **query: Any) -> Any:
        """Reads JSON from a path of the API, such as ``/v1/rules``."""
        return self._call("GET", path, query)

    def status(self) -> Mapping[str, Any]:
        return self.get("/v1/status")

    def find(self, key: str, *, height: Optional[int] = None) -> Optional[Record]:
        """The record under a key of SPEC 11.1, or none. With :class:`Trust` its presence, or
        absence, is proved before it is returned."""
        path = "/v1/records/" + urllib.parse.quote(key, safe="/:")
        try:
            answer = self.get(path, height=height, proof=True if self.trust else None)
        except Refused as refused:
            if refused.status == 404 and self.trust is None:
                return None
            raise
        if self.trust is not None:
            if answer["key"] != key or (height is not None and answer["proof"]["header"]["height"] != height):
                raise VerificationFailed("the node answered for another record or height")
            self.trust.check_record(key, answer)
        if answer["value"] is None:
            return None
        return Record(key, answer["version"], answer["value"], answer["height"], self.trust is not None)

    def read(self, key: str, *, height: Optional[int] = None) -> Record:
        """As :meth:`find`; absence is an error."""
        record = self.find(key, height=height)
        if record is None:
            raise Refused(404, {"code": "not_found", "title": f"there is no {key}"})
        return record

    def list(self, kind: str, **filters: Any) -> Iterator[Record]:
        """All records of a kind (``entries``, ``authorizations``, ``receipts``, …), as they were at
        the height of the first page."""
        cursor: Optional[str] = None
        while True:
            page = self.get(f"/v1/{kind}", limit=1000, cursor=cursor, **filters)
            for item in page["items"]:
                yield Record(item["key"], item["version"], item["value"], page["height"], False)
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def history(self, key: str) -> List[Mapping[str, Any]]:
        """Every event of a record, oldest first. With :class:`Trust` the list is proved to be
        complete: nothing left out, added or reordered up to the height it was asked at."""
        path = "/v1/history/" + urllib.parse.quote(key, safe="/:")
        first = page = self.get(path, limit=1000, proof=True if self.trust else None)
        events = list(page["items"])
        while page["next_cursor"] is not None:
            page = self.get(path, limit=1000, cursor=page["next_cursor"])
            events += page["items"]
        if self.trust is not None:
            leaf = self.trust.check_record("history/" + key, first)
            expected = encoding.u64(len(events)) + encoding.digest(history_head(events))
            if leaf != expected:
                raise VerificationFailed(f"the history of {key} is not complete")
        return events

    def search(self, text: str, **filters: Any) -> Mapping[str, Any]:
        """Full-text search over entries: ``{items, facets, total}``."""
        return self.get("/v1/search", q=text, **filters)

    def outcome(self, transaction_id: str) -> Mapping[str, Any]:
        """The log entry of a committed transaction, proved against :class:`Trust`."""
        if self.trust is None:
            raise ValueError("a proof is verified against a Trust")
        proof = self.get(f"/v1/transactions/{transaction_id}/proof")
        return self.trust.check_transaction(transaction_id, proof)

    # Submitting

    def build(
        self, actions: Iterable[Mapping[str, Any]], *, nonce: Optional[str] = None,
        on_behalf_of: Optional[str] = None, valid_for: int = VALID_HEIGHTS,
    ) -> Transaction:
        """A transaction of this application, signed with its key; add other parties' signatures
        with ``sign``."""
        if self.key is None:
            raise ValueError("this client has no key")
        status = self.status()
        params = self.get("/v1/params")["value"]
        ahead = min(valid_for, int(params.get("valid_heights_max", VALID_HEIGHTS)))
        transaction = Transaction.build(
            chain_id=status["chain_id"], member=self.member, office=self.office, actions=actions,
            valid_until=status["height"] + ahead, nonce=nonce, on_behalf_of=on_behalf_of)
        return transaction.sign(self.key)

    def submit(
        self, actions: Iterable[Mapping[str, Any]], *, cosign: Iterable[Key] = (),
        nonce: Optional[str] = None,
    ) -> Result:
        """Builds, signs, submits and waits: returns when the actions took effect.

        Raises :class:`Refused` with the rule when they did not, :class:`NotCommitted` when the
        timeout passed, :class:`Unreachable` when the node could not be asked.
        """
        return self.deliver(self.build(actions, nonce=nonce).sign(*cosign))

    def deliver(self, transaction: Transaction) -> Result:
        """Submits a signed transaction, again while the node is busy, and waits for its commit."""
        until = time.monotonic() + self.timeout_s
        body = json.dumps(transaction.envelope()).encode("utf-8")
        answer = self._until(until, lambda wait_ms: self._call(
            "POST", "/v1/transactions", {"wait": "committed", "timeout_ms": wait_ms}, body))
        return self._wait(transaction.id, answer, until)

    def wait(self, transaction_id: str) -> Result:
        """Waits for a transaction submitted earlier, here or elsewhere."""
        until = time.monotonic() + self.timeout_s
        return self._wait(transaction_id, self._status_of(transaction_id, until), until)

    def _status_of(self, transaction_id: str, until: float) -> Mapping[str, Any]:
        return self._until(until, lambda wait_ms: self.get(
            f"/v1/transactions/{transaction_id}", wait="committed", timeout_ms=wait_ms))

    def _wait(self, transaction_id: str, answer: Mapping[str, Any], until: float) -> Result:
        while answer["status"] != "committed":
            if answer["status"] == "expired" or time.monotonic() >= until:
                raise NotCommitted(transaction_id, answer["status"])
            answer = self._status_of(transaction_id, until)
        outcome = answer["outcome"]
        if outcome["result"] != "accepted":
            raise Refused(422, {**outcome, "code": outcome["rule"]})
        if self.trust is not None and self.outcome(transaction_id)["outcome"]["result"] != "accepted":
            raise VerificationFailed("the node called a rejected transaction accepted")
        return Result(transaction_id, answer["height"], answer["index"], True, answer)

    def _until(self, until: float, ask: Any) -> Mapping[str, Any]:
        while True:
            left = until - time.monotonic()
            try:
                return ask(max(0, min(WAIT_MS_MAX, int(left * 1000))))
            except Unreachable as busy:
                pause = min(busy.retry_after_s if busy.retry_after_s is not None else 0.5, RETRY_PAUSE_S_MAX)
                if left <= pause:
                    raise
                time.sleep(pause)

    # Events

    def events(
        self, *, after: Optional[str] = None, from_height: Optional[int] = None,
        idle_timeout_s: Optional[float] = None, **filters: Any,
    ) -> Iterator[Event]:
        """Follows events for ever: complete and in order, also over lost connections. Keep the last
        ``id`` you dealt with and pass it as ``after`` when your program starts again.

        Filters: ``member``, ``office``, ``entry``, ``authorization``, ``kind``. With
        ``idle_timeout_s`` the iteration ends when nothing came for so long.
        """
        query = {"from_height": from_height, "format": "sse", **filters}
        last_activity = time.monotonic()
        while True:
            headers = {"accept": "text/event-stream"}
            if after is not None:
                headers["last-event-id"] = after
            try:
                with self._open("GET", "/v1/events", query, None, headers) as stream:
                    for event_id, data in _frames(stream):
                        after = event_id or after
                        if data is not None and event_id is not None:
                            last_activity = time.monotonic()
                            yield Event(event_id, json.loads(data))
                        elif idle_timeout_s is not None and time.monotonic() - last_activity > idle_timeout_s:
                            return
            except (Unreachable, OSError):
                pass
            if idle_timeout_s is not None and time.monotonic() - last_activity > idle_timeout_s:
                return
            time.sleep(1.0)

    def event_page(self, *, after: Optional[str] = None, **filters: Any) -> Mapping[str, Any]:
        """One page of events: ``{items, after, more}``; pass ``after`` on to read the next."""
        return self.get("/v1/events", format="json", after=after, **filters)

    # HTTP

    def _open(
        self, method: str, path: str, query: Mapping[str, Any], body: Optional[bytes],
        headers: Mapping[str, str], timeout_s: Optional[float] = None,
    ) -> Any:
        given = {name: ("true" if value is True else value) for name, value in query.items() if value is not None}
        url = self.url + path + ("?" + urllib.parse.urlencode(given) if given else "")
        request = urllib.request.Request(url, data=body, method=method, headers={**self._headers, **headers})
        try:
            return self._opener.open(request, timeout=timeout_s or self.timeout_s)
        except urllib.error.HTTPError as error:
            raise _problem(error) from None
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            raise Unreachable(f"cannot reach {self.url}: {error}") from error

    def _call(self, method: str, path: str, query: Mapping[str, Any], body: Optional[bytes] = None) -> Any:
        headers: Dict[str, str] = {"accept": "application/json"}
        if body is not None:
            headers["content-type"] = "application/json"
        wait_s = float(query.get("timeout_ms") or 0) / 1000
        with self._open(method, path, query, body, headers, self.timeout_s + wait_s + 5) as answer:
            data = answer.read(ANSWER_BYTES_MAX + 1)
        if len(data) > ANSWER_BYTES_MAX:
            raise Unreachable(f"{self.url} answered with more than {ANSWER_BYTES_MAX} bytes")
        return json.loads(data)


def _problem(error: urllib.error.HTTPError) -> Exception:
    with error:
        data = error.read(1024 * 1024)
    try:
        problem = json.loads(data)
    except ValueError:
        problem = {}
    if not isinstance(problem, dict):
        problem = {}
    if error.code in (408, 429) or error.code >= 500:
        retry = error.headers.get("retry-after")
        text = f"{problem.get('code', error.code)}: {problem.get('detail', error.reason)}"
        return Unreachable(text, float(retry) if retry and retry.isdigit() else None)
    return Refused(error.code, problem)


def _frames(stream: Any) -> Iterator[Any]:
    """Ids and data of server-sent events; heartbeats have an id and no data."""
    event_id: Optional[str] = None
    data: List[str] = []
    while True:
        line = stream.readline(EVENT_LINE_BYTES_MAX)
        if not line:
            return
        text = line.decode("utf-8").rstrip("\r\n")
        if not text:
            yield event_id, "\n".join(data) if data else None
            event_id, data = None, []
        elif text.startswith("id:"):
            event_id = text[3:].strip()
        elif text.startswith("data:"):
            data.append(text[5:].lstrip(" "))


__all__ = ["Client", "Event", "Record", "Result"]
