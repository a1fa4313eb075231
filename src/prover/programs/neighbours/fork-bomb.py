children = []
try:
    while len(children) <= facts["pidsLimit"]:
        child = os.fork()
        if child == 0:
            time.sleep(60)
            os._exit(0)
        children.append(child)
except OSError as error:
    for child in children: os.kill(child, 9)
    blocked(error, "after %d processes" % len(children))
for child in children: os.kill(child, 9)
escaped("%d processes" % len(children))
