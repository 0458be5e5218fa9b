"""Whether everything is there that docker-compose.yml or a cluster's manifests refer to.

references.py compose CONFIG.json SECRETS_FOLDER     what `docker compose config` prints, and what make-secrets has made
references.py kubernetes MANIFESTS.yaml SECRETS.yaml
"""

import json
import pathlib
import sys

import yaml


def missing_of_compose(config, secrets):
    made = {file.name for file in secrets.iterdir()}
    for secret in config["secrets"].values():
        name = pathlib.Path(secret["file"]).name
        if name not in made:
            yield f"the secret {name}, which scripts/make-secrets does not make"
    used = set()
    for service, settings in config["services"].items():
        used.update(secret["source"] for secret in settings.get("secrets", []))
        for volume in settings.get("volumes", []):
            if volume["type"] == "bind" and not pathlib.Path(volume["source"]).exists():
                yield f"{service}: the file {volume['source']}, which is not there"
        for name, value in (settings.get("environment") or {}).items():
            if str(value).startswith("/run/secrets/") and pathlib.Path(value).name not in {
                secret["source"] for secret in settings.get("secrets", [])
            }:
                yield f"{service}: {name} is {value}, a secret that the service is not given"
    if not used:
        yield "any use of a secret: nothing was compared"


def pod_of(manifest):
    spec = manifest.get("spec", {}).get("template", {}).get("spec", {})
    return spec if "containers" in spec else None


def missing_of_kubernetes(manifests, secrets):
    keys = {("Secret", secret["metadata"]["name"]): set(secret["data"]) for secret in secrets}
    for manifest in manifests:
        if manifest["kind"] == "ConfigMap":
            keys["ConfigMap", manifest["metadata"]["name"]] = set(manifest["data"])
    accounts = {m["metadata"]["name"] for m in manifests if m["kind"] == "ServiceAccount"}
    compared = 0
    for manifest in manifests:
        pod = pod_of(manifest)
        if pod is None:
            continue
        owner = f"{manifest['kind']} {manifest['metadata']['name']}"
        if pod["serviceAccountName"] not in accounts:
            yield f"{owner}: the ServiceAccount {pod['serviceAccountName']}"
        wanted, files = [], set()
        for volume in pod.get("volumes", []):
            for kind, source in (("Secret", volume.get("secret")), ("ConfigMap", volume.get("configMap"))):
                if source:
                    name = source.get("secretName") or source.get("name")
                    items = [item["key"] for item in source.get("items", [])]
                    wanted.append((kind, name, items))
                    files.update((volume["name"], item["path"]) for item in source.get("items", []))
        for container in pod["containers"]:
            mounts = {mount["mountPath"]: mount["name"] for mount in container.get("volumeMounts", [])}
            for variable in container.get("env", []):
                reference = variable.get("valueFrom", {}).get("configMapKeyRef")
                if reference:
                    wanted.append(("ConfigMap", reference["name"], [reference["key"]]))
                elif variable["name"].endswith("_FILE"):
                    path = pathlib.PurePosixPath(variable["value"])
                    if (mounts.get(str(path.parent)), path.name) not in files:
                        yield f"{owner}: {variable['name']} is {path}, which no volume has"
        for kind, name, items in wanted:
            if (kind, name) not in keys:
                yield f"{owner}: the {kind} {name}"
            for item in items:
                compared += 1
                if item not in keys.get((kind, name), ()):
                    yield f"{owner}: the key {item} of the {kind} {name}"
    if not compared:
        yield "any key: nothing was compared"


def main(kind, subject, secrets):
    if kind == "compose":
        missing = missing_of_compose(json.loads(pathlib.Path(subject).read_text()), pathlib.Path(secrets))
    else:
        read = lambda file: [document for document in yaml.safe_load_all(pathlib.Path(file).read_text()) if document]
        missing = missing_of_kubernetes(read(subject), read(secrets))
    found = list(missing)
    for what in found:
        print(f"missing: {what}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
