children = []
for _ in range(4):
    child = os.fork()
    if child == 0:
        while True:
            pass
    children.append(child)
os.write(1, b"working" + bytes([10]))
while True:
    for child in children: os.kill(child, signal.SIGSTOP)
    for child in children: os.kill(child, signal.SIGCONT)
