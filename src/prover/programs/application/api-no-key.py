def attack():
    targets = ["", "/_/actions", "/prove/actions/own", "/_/activations", "/_/limits", "/victim/actions/secret"]
    answers = {t: talk(head("GET", "/api/v1/namespaces" + t, None)) for t in targets}
    answers["fire"] = talk(head("POST", "/api/v1/namespaces/_/actions/own", None, "Content-Length: 0\r\n"))
    return judge(answers, [401])
