children = 0
try:
    while children <= facts["pidsLimit"]:
        if os.fork() == 0:
            os._exit(0)
        children += 1
except OSError as error:
    blocked(error, "after %d" % children)
escaped("%d ended processes" % children)
