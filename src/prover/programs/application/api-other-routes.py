def attack():
    targets = ["/", "/ping", "/metrics", "/v2/", "/v2/_catalog", "/ward/v1/namespaces/_/dead-letters", "/api/v1", "/api/v1/", "/api/v1/api-docs", "/api/v1/web/prove/default/own", "/api/v1/web/victim/vault/secret.json", "/webhooks/x", "/runtime/namespaces/_", "/api/x/y", "/invokers", "/init", "/proc/self/environ"]
    answers = {}
    for t in targets:
        answers[t] = talk(head("GET", t, own))
        answers["OPTIONS " + t] = talk(head("OPTIONS", t, own))
    return judge(answers, [404])
