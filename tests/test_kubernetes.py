"""The Kubernetes manifests: what a cluster would accept, confined, and with the settings that the processes know."""

import math
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import kubernetes_validate  # type: ignore[import-untyped]  # it has no types
import pytest
import yaml  # type: ignore[import-untyped]  # its types are a package of their own, which nothing else needs

from api.middleware.callers import answers_to
from engine.settings import Settings, is_secret, names_of
from inkloom.worker import STORING

pytestmark = pytest.mark.unit

FOLDER = Path(__file__).parent.parent / "deploy" / "kubernetes"
BASE = FOLDER / "base"
# Of the schemas that the validator carries.
KUBERNETES = "1.37"
# Read by boto3 itself.
OF_BOTO3 = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
# Kinds of Kustomize and KEDA, which are not Kubernetes's own.
FOREIGN = {"Kustomization", "ScaledObject"}

MANIFESTS: list[tuple[str, dict[str, Any]]] = [
    (f"{path.parent.name}/{path.name}", document)
    for path in sorted(FOLDER.rglob("*.yaml"))
    for document in yaml.safe_load_all(path.read_text())
]
DEPLOYMENTS = {one["metadata"]["name"]: one for _, one in MANIFESTS if one["kind"] == "Deployment"}


def lines_of(name: str) -> dict[str, str]:
    """A file of `NAME=value` lines, as Kustomize reads it: without quotes."""
    lines = (line for line in (BASE / name).read_text().splitlines() if line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


@pytest.mark.parametrize(
    "manifest",
    [one for _, one in MANIFESTS if one["kind"] not in FOREIGN],
    ids=[f"{place} {one['metadata']['name']}" for place, one in MANIFESTS if one["kind"] not in FOREIGN],
)
def test_a_cluster_accepts_it(manifest: dict[str, Any]) -> None:
    """By Kubernetes's own schemas, without a field that they do not know."""
    kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


def test_every_file_is_a_resource() -> None:
    for folder in (BASE, FOLDER / "autoscaling"):
        listed = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
        assert sorted(path.name for path in folder.glob("*.yaml")) == sorted(
            {"kustomization.yaml", *(one for one in listed if one.endswith(".yaml"))}
        )


def test_settings_are_those_of_the_processes() -> None:
    known = {name: field for field in Settings.model_fields for name in names_of(field)}
    for name, value in lines_of("settings.env").items():
        assert value
        assert not is_secret(known[name]) or (name == "INKLOOM_DATABASE_URL" and urlsplit(value).password is None), name
    for name, value in lines_of("secrets.env.example").items():
        assert not value
        assert name in OF_BOTO3 or is_secret(known[name]), f"{name} belongs into settings.env"
    assert "secrets.env" in (BASE / ".gitignore").read_text().split()


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_pods_are_confined(name: str) -> None:
    """As the namespace demands (`restricted`), with a root that cannot be written, and bounded memory."""
    pod = DEPLOYMENTS[name]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    volumes = {one["name"]: one for one in pod["volumes"]}
    assert all("emptyDir" in one for one in volumes.values())
    for container in (*pod["initContainers"], *pod["containers"]):
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert "memory" in container["resources"]["limits"]
        assert {one["mountPath"] for one in container["volumeMounts"]} == {"/data", "/tmp"}  # noqa: S108
    assert [one["args"] for one in pod["initContainers"]] == [["init-db"]]
    assert "livenessProbe" in pod["containers"][0]


def test_the_api_answers_the_probes() -> None:
    """A host that is not listed gets a 400, and the pod would never be ready."""
    hosts = lines_of("settings.env")["INKLOOM_ALLOWED_HOSTS"].split(",")
    [container] = DEPLOYMENTS["inkloom-api"]["spec"]["template"]["spec"]["containers"]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        [header] = container[probe]["httpGet"]["httpHeaders"]
        assert header["name"] == "Host"
        assert answers_to(hosts, header["value"])


def test_workers_may_finish_what_is_paid_for() -> None:
    settings = Settings()
    patience = math.ceil(STORING + max(settings.writer_patience, settings.artist_patience))
    for name in ("inkloom-worker-flow", "inkloom-worker-draw"):
        assert DEPLOYMENTS[name]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] >= patience


def test_each_worker_is_scaled_by_its_own_queues() -> None:
    """`tests/test_deploy.py` has that the metric is exposed."""
    asked = [
        (one["spec"]["scaleTargetRef"]["name"], trigger["metadata"]["query"])
        for _, one in MANIFESTS
        if one["kind"] == "ScaledObject"
        for trigger in one["spec"]["triggers"]
    ]
    assert sorted(name for name, _ in asked) == ["inkloom-worker-draw", "inkloom-worker-flow"]
    queues = {"workflows": "flow", "io": "flow", "llm-openai": "flow", "pages": "draw", "images-local": "draw"}
    for name, query in asked:
        match = re.fullmatch(r"max\((\w+)\{(\w+)=~\"([^\"]+)\"\}\)", query)
        assert match is not None
        metric, label, pattern = match.groups()
        assert (metric, label) == ("inkloom_queue_lag_seconds", "queue")
        assert {queue for queue in queues if re.fullmatch(pattern, queue)} == {
            queue for queue, worker in queues.items() if name.endswith(worker)
        }
