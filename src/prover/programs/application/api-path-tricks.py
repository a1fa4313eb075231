def attack():
    base = "/api/v1/namespaces"
    targets = [base + c + t for c in ["/..", "/../..", "/../../..", "/../../../..", "/%2e%2e/%2e%2e/%2e%2e", "/..%2f..%2f..", "/_/..;/..;/..", "/.%00./../..", "\\..\\..\\.."] for t in ["/metrics", "/v2/_catalog", "/ping"]]
    targets += ["//metrics", "/./metrics", "http://x/metrics", "http://127.0.0.1/ping", "*", "x:80", "/metrics?/api/v1/namespaces", "/metrics#/api/v1/namespaces", "/metrics;/api/v1/namespaces", "/%6detrics", "/API/V1/NAMESPACES", "file:///etc/passwd", "/api/v1/namespaces/_/actions/own/../../../../../../ping"]
    answers = {f"{m} {t}": talk(head(m, t, own)) for t in targets for m in ["GET", "CONNECT"]}
    return judge(answers, [0, 400, 404])
