"""Requests the use of an entry, waits for agreement, signs the terms, and files two receipts."""
import os

from mulu import Client, Key, actions

client = Client(os.environ.get("MULU_NODE", "http://127.0.0.1:26702"), key=Key.load(os.environ["MULU_KEY"]),
                member="11110000MULU00021K", office="yzyg")
entry = client.read("entry/" + actions.entry_id(os.environ.get("MULU_ENTRY", "307017/demo0001")))
request = client.build([actions.request(
    entry, items=["name", "uscc"], basis="《医疗机构管理条例》", scenario="执业登记核验", scope="医政医管处",
    method="platform-api", from_ms=1767196800000, to_ms=1861891200000, calls=1000)])
client.deliver(request)
grant = request.created()
print("requested", grant)
for event in client.events(from_height=0, authorization=grant, kind="authorization.agree"):
    print("agreed at", event.id)
    break
key = f"authorization/{grant}"
client.submit([actions.finalize(client.read(key))], cosign=[Key.load(os.environ["MULU_PROVIDER_KEY"])])
for calls in (12, 30):
    result = client.submit([actions.receipt(client.read(key), "used", calls=calls, records=calls, client=client)])
    print("receipt at height", result.height)
print("used", client.read(key).value["totals"]["used"])
