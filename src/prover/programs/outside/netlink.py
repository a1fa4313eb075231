asked = facts["protocol"]
AF_NETLINK, SOCK_RAW, SOCK_DGRAM, SOCK_SEQPACKET = 16, 3, 2, 5
# Netlink has no such type. The kernel reports that after the filter and before it loads a module.
let_through_by = ("ok", "ESOCKTNOSUPPORT")
answers = []
for kind, protocol in ((SOCK_SEQPACKET, asked), (SOCK_RAW, asked), (SOCK_DGRAM, asked), (SOCK_RAW, 1 << 32 | asked)):
    answers.append(attempt(lambda: syscall("socket", AF_NETLINK, kind, protocol)))
    if answers[-1] in let_through_by:
        escaped("netlink protocol %d is allowed: %s" % (asked, answers[-1]))
blocked(answers[0], str(len(answers)) + " ways")
