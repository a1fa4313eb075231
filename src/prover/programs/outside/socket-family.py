# Begins with parts/socket-families.py.
refusals = []
for name in facts["names"]:
    for kind in (NO_SUCH_TYPE, 2, 3, 5, 1):
        answer = attempt(lambda: open_socket(FAMILIES[name], kind))
        if answer in ("ok", "EINVAL", "EPROTONOSUPPORT", "ESOCKTNOSUPPORT", "EPROTOTYPE"):
            escaped("sockets of the family " + name + " are allowed: " + answer)
        refusals.append(answer)
blocked(refusals[0], str(len(refusals)) + " ways")
