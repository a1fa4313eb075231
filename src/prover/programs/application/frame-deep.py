# Begins with parts/frames.py.
def misbehave(_args):
    depth = 500_000
    frame('{"type":"result","id":"' + os.environ["__OW_ACTIVATION_ID"] + '","ok":true,"value":' + "[" * depth + "]" * depth + "}")
    hang()
