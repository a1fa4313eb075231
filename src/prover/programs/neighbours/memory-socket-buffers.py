held, block, pairs = 0, b"x" * 65536, []
while held < facts["memoryBytes"] * 1.25:
    try:
        pair = socket.socketpair()
    except OSError as error:
        blocked(error, "%d MiB in %d pairs" % (held >> 20, len(pairs)))
    pairs.append(pair)
    pair[0].setblocking(False)
    try:
        while True:
            held += pair[0].send(block)
    except BlockingIOError:
        pass
    except OSError as error:
        blocked(error, "%d MiB in %d pairs" % (held >> 20, len(pairs)))
escaped("%d MiB are in sockets" % (held >> 20))
