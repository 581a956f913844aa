"""What can go wrong, by what the caller can do about it."""

from __future__ import annotations

from typing import Any, Mapping, Optional


class MuluError(Exception):
    """Base of all errors of this package."""


class Unreachable(MuluError):
    """The node cannot be reached, is busy or is not ready. Repeating is always safe."""

    def __init__(self, message: str, retry_after_s: Optional[float] = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Refused(MuluError):
    """A problem (RFC 9457) of the node, or a rejection by the rules of the chain.

    ``code`` is stable: a rule such as ``RCP-08`` or a word such as ``not_found``; ``help`` says what
    to do, in the client's language.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(problem.get("code") or problem.get("rule") or f"http_{status}")
        self.title = str(problem.get("title") or "")
        self.detail = str(problem.get("detail") or "")
        self.help = str(problem.get("help") or "")
        self.action: Optional[int] = problem.get("action")
        super().__init__(": ".join(part for part in (self.code, self.title, self.detail) if part))


class NotCommitted(MuluError):
    """The transaction was not committed in time. Submitting it again is safe."""

    def __init__(self, transaction_id: str, status: str) -> None:
        super().__init__(f"{transaction_id} is {status}")
        self.transaction_id = transaction_id
        self.status = status


class VerificationFailed(MuluError):
    """A node's answer is not what the validators certified. Do not use it."""
