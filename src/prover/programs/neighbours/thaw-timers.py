ticks = 0
def tick(*_):
    global ticks
    ticks += 1
signal.signal(signal.SIGALRM, tick)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
os.write(1, b"working" + bytes([10]))
while not os.read(0, 1): pass
before, at = ticks, time.monotonic()
while time.monotonic() - at < 0.05: pass
os.write(1, ("ticks %d" % (ticks - before)).encode() + bytes([10]))
time.sleep(60)
