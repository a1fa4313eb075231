import json
import os
import struct
import time
def frame(text):
    data = text.encode() if isinstance(text, str) else text
    data = struct.pack(">I", len(data)) + data
    while data:
        data = data[os.write(3, data):]
def answer(value, id=None):
    frame(json.dumps({"type": "result", "id": id or os.environ["__OW_ACTIVATION_ID"], "ok": True, "value": value}, separators=(",", ":")))
def hang():
    while True:
        time.sleep(1)
def main(args):
    if not args.get("misbehave"):
        return {"good": True}
    return misbehave(args)
