def socket_options(kind, options):
    """Sets options of a socket: (label, level, option, value)."""
    end = socket.socket(socket.AF_INET6, kind)
    answers = []
    for label, level, option, value in options:
        answer = attempt(lambda: end.setsockopt(level, option, value))
        # Other errnos come from behind the filter: a bad value, a missing module, a full table.
        if answer not in ("EPERM", "EACCES"):
            escaped(label + " is allowed: " + answer)
        answers.append(answer)
    blocked(answers[0], "%d options" % len(answers))
