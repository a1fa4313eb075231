def attack():
    held = []
    for _ in range(400):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(port)
        held.append(s)
    end = time.monotonic() + 2
    while time.monotonic() < end:
        for s in held:
            try:
                s.send(b"G")
            except OSError:
                pass
        time.sleep(0.05)
    for s in held:
        s.close()
    return blocked("limit", "400 were tried")
