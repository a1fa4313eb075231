pipes = 0
try:
    while pipes < 1100:
        os.pipe()
        pipes += 1
except OSError:
    pass
holds(pipes=pipes)
