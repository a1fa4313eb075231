# A few only: the number is the machine's.
terminals = []
try:
    for _ in range(4):
        terminals.append(os.openpty())
except OSError as error:
    blocked(error)
escaped("%d terminals are open" % len(terminals))
