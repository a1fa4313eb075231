def attack():
    answers = [talk("GET / HTTP/1.1\r\nHost: x\r\n" + more) for more in ["X: " + "x" * 4_000_000, "X: y\r\n" * 200_000, "A" * 100_000 + ": x\r\n"]]
    answers.append(talk("GET /" + "x" * 4_000_000))
    wrong = [a[:80] for a in answers if status(a) not in (0, 400, 414, 431)]
    return escaped(wrong) if wrong else blocked("limit", [status(a) for a in answers])
