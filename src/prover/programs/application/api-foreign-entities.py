def attack():
    targets = ["victim/actions/secret", "victim/actions", "victim/packages/vault/secret", "victim/triggers/bell", "victim/activations", "victim/rules", "%76ictim/actions/secret", "_/actions/..%2f..%2fvictim%2factions%2fsecret", "_/actions/%2fvictim%2fsecret", "victim%2fvault/actions", "victim/limits", "VICTIM/actions/secret", "victim%00/actions/secret"]
    answers = {t: talk(head("GET", f"/api/v1/namespaces/{t}", own)) for t in targets}
    for method in ["PUT", "DELETE", "POST"]:
        for t in ["victim/actions/secret", "victim/triggers/bell"]:
            answers[method + t] = talk(head(method, f"/api/v1/namespaces/{t}", own, "Content-Type: application/json\r\nContent-Length: 2\r\n") + "{}")
    return judge(answers, [400, 403, 404, 405])
