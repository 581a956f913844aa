"""An audit bundle of a Mulu ledger, verified from SPEC.md alone. See ../README.md."""
