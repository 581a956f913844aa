"""Against a running consortium: MULU_NODE names a node, MULU_KEY an officer's key of MULU_MEMBER."""

import copy
import os
import unittest

from mulu import Client, Key, Refused, Trust, VerificationFailed

NODE = os.environ.get("MULU_NODE")


@unittest.skipUnless(NODE, "MULU_NODE names no node")
class Node(unittest.TestCase):
    def setUp(self):
        self.plain = Client(NODE)
        status = self.plain.status()
        self.trust = Trust(status["chain_id"], status["validators"])
        self.client = Client(NODE, trust=self.trust)

    def test_records_are_proved_present_and_absent(self):
        entries = list(self.plain.list("entries"))
        self.assertTrue(entries)
        record = self.client.read(entries[0].key)
        self.assertTrue(record.proved)
        self.assertEqual(record.value, entries[0].value)
        self.assertEqual(record.version, entries[0].version)
        self.assertTrue(self.client.history(entries[0].key))
        self.assertIsNone(self.client.find("entry/sha256:" + "0" * 64))
        with self.assertRaises(Refused):
            self.plain.read("entry/sha256:" + "0" * 64)

    def test_a_lie_is_found_out(self):
        key = next(self.plain.list("members")).key
        answer = self.plain.get(f"/v1/records/{key}", proof=True)
        self.trust.check_record(key, answer)

        def lie(change):
            wrong = copy.deepcopy(answer)
            change(wrong)
            with self.assertRaises(VerificationFailed):
                self.trust.check_record(key, wrong)

        lie(lambda a: a["value"].update(name="another"))
        lie(lambda a: a["proof"].update(value_base64=None))
        lie(lambda a: a["proof"]["header"].update(height=a["proof"]["header"]["height"] + 1))
        lie(lambda a: a["proof"]["certificate"]["signatures"].pop() and a["proof"]["certificate"]["signatures"].pop())
        other = Trust(self.trust.chain_id, self.trust.validators[:3])
        with self.assertRaises(VerificationFailed):
            other.check_record(key, answer)

    def test_events_are_complete_and_resumable(self):
        def ids(**query):
            found, after = [], None
            while True:
                page = self.plain.event_page(after=after, **query)
                found += [item["id"] for item in page["items"]]
                after = page["after"]
                if not page["more"]:
                    return found

        every = ids(limit=2)
        self.assertGreater(len(every), 1)
        streamed = []
        for event in self.plain.events(from_height=0, idle_timeout_s=5):
            streamed.append(event.id)
            if len(streamed) == 2:
                break
        for event in self.plain.events(after=streamed[-1], idle_timeout_s=5):
            streamed.append(event.id)
            if len(streamed) == len(every):
                break
        self.assertEqual(streamed, every)
        entry = next(self.plain.list("entries")).value["entry_id"]
        self.assertTrue(0 < len(ids(entry=entry)) <= len(every))
        self.assertEqual(ids(member="X"), [])

    def test_a_refusal_names_its_rule(self):
        client = Client(NODE, key=Key.load(os.environ["MULU_KEY"]), member=os.environ["MULU_MEMBER"],
                        office=os.environ.get("MULU_OFFICE"), trust=self.trust)
        with self.assertRaises(Refused) as refused:
            client.submit([{"type": "authorization.agree", "authorization_id": "sha256:" + "0" * 64}])
        self.assertEqual(refused.exception.code, "AUT-01")
        self.assertTrue(refused.exception.help)

    def test_outcomes_are_proved(self):
        event = self.plain.event_page(limit=1)["items"][0]
        entry = self.client.outcome(event["transaction"])
        self.assertEqual(entry["height"], event["height"])
        self.assertEqual(entry["outcome"]["result"], event["outcome"]["result"])


if __name__ == "__main__":
    unittest.main()
