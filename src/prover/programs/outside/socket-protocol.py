# A number for experiments (RFC 3692), for which there is no module: if the filter allows the call, the kernel looks for
# one.
EXPERIMENT = 253
let_through(lambda: syscall("socket", 2, 1, EXPERIMENT), ["EPROTONOSUPPORT", "ESOCKTNOSUPPORT"], "any protocol may be asked for")
