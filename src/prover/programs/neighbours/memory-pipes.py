held, block, pipes = 0, b"x" * 65536, []
while held < facts["memoryBytes"] * 1.25:
    try:
        reader, writer = os.pipe()
    except OSError as error:
        blocked(error, "%d MiB in %d pipes" % (held >> 20, len(pipes)))
    pipes.append((reader, writer))
    os.set_blocking(writer, False)
    held += os.write(writer, block)
escaped("%d MiB are in pipes" % (held >> 20))
