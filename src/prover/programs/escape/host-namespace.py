file = "/proc/self/ns/" + facts["kind"]
hosts = facts["namespaces"].get(facts["kind"])
def mine():
    try:
        return os.readlink(file)
    except OSError as error:
        blocked("absent", file + ": " + str(error.strerror))
if mine() == hosts:
    escaped(mine() + " is the host’s")
blocked("absent", mine() + " is not the host’s " + str(hosts))
