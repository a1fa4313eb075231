def attack():
    key = facts["victimKey"]
    targets = ["", "/_/actions", "/_/actions/secret?code=true", "/victim/actions/secret", "/_/packages/vault", "/_/triggers/bell"]
    answers = {t: talk(head("GET", "/api/v1/namespaces" + t, key)) for t in targets}
    both = head("GET", "/api/v1/namespaces/_/actions/secret", own, basic(key))
    answers["both"] = talk(both)
    return judge(answers, [400, 403, 404])
