"""Compose files, image and manifests: against published schemas, against each other, and by running what they run."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import uuid
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

import kubernetes_validate
import pytest
import yaml
from pydantic import JsonValue, TypeAdapter
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client

from bridge import GRACE_S, LAST_SPANS_S
from contracts.version import VERSION
from contracts.workflows import SEARCH_ATTRIBUTES, paid_queue, render_queue
from observability.health import LAST_ANSWERS_S
from settings import Settings
from temporal.development_server import EmbeddedServer, find_temporal
from tests.command import ROOT, Shell, finish, free_address
from tests.rig import until
from tests.site import fetch
from worker import GRACE
from workflows import policies

Node: TypeAlias = JsonValue
Tree: TypeAlias = dict[str, JsonValue]
_TREE = TypeAdapter[Tree](Tree)

COMPOSE = ("docker-compose.temporal.yml", "docker-compose.dev.yml")
MANIFESTS = sorted(path.name for path in (ROOT / "deploy" / "kubernetes").glob("*.yaml"))
KUBERNETES = "1.37"
CLOUD_RUN_LEAVES_S = 10
"""After SIGTERM, as Google documents it."""
OURS = ("worker", "bridge", "codec", "starter")


def tree(node: Node) -> Tree:
    """A node that must be a mapping."""
    assert isinstance(node, dict)
    return node


def items(node: Node) -> list[Node]:
    """A node that must be a list."""
    assert isinstance(node, list)
    return node


def services(file: str) -> dict[str, Tree]:
    """A compose file's services."""
    document = _TREE.validate_python(yaml.safe_load((ROOT / file).read_text()))
    return {name: tree(service) for name, service in tree(document["services"]).items()}


def resources(*files: str) -> list[Tree]:
    """Everything in some manifests."""
    texts = [(ROOT / "deploy" / "kubernetes" / file).read_text() for file in files or MANIFESTS]
    return [_TREE.validate_python(document) for text in texts for document in yaml.safe_load_all(text)]


def of_kind(kind: str) -> dict[str, Tree]:
    """The resources of that kind, by name."""
    return {str(tree(one["metadata"])["name"]): one for one in resources() if one["kind"] == kind}


def pod(deployment: Tree) -> Tree:
    """What a deployment starts."""
    return tree(tree(tree(deployment["spec"])["template"])["spec"])


def container(deployment: Tree) -> Tree:
    """The one container of a deployment."""
    (only,) = items(pod(deployment)["containers"])
    return tree(only)


def seconds(text: Node) -> float:
    """A duration of a compose file."""
    match = re.fullmatch(r"(\d+)s", str(text))
    assert match is not None, text
    return float(match[1])


# Schemas


@pytest.mark.parametrize("file", COMPOSE)
def test_a_compose_file_fits_its_schema(file: str) -> None:
    """The published schema of compose files accepts ours."""
    command = [str(Path(sys.executable).with_name("check-jsonschema")), "--builtin-schema", "vendor.compose-spec", file]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout


@pytest.mark.parametrize("file", [name for name in MANIFESTS if name not in {"autoscaling.yaml", "kustomization.yaml"}])
def test_a_manifest_fits_its_schema(file: str) -> None:
    """Kubernetes' published schemas accept every resource, and no field is unknown to them."""
    for resource in resources(file):
        kubernetes_validate.validate(resource, KUBERNETES, strict=True)


def test_the_autoscaling_fits_kedas_types() -> None:
    """Each is what KEDA's published definition reads, and nothing of it is lost on the way."""
    from cloudcoil.models.keda.v1alpha1 import ScaledObject  # noqa: PLC0415 -- it takes most of a second

    scaled = resources("autoscaling.yaml")
    assert len(scaled) == 3
    for resource in scaled:
        read = ScaledObject.model_validate(resource)
        assert read.model_dump(by_alias=True, exclude_unset=True, mode="json") == resource


def test_the_kustomization_names_every_file() -> None:
    """`kubectl apply -k` applies all there is, under one image."""
    (kustomization,) = resources("kustomization.yaml")
    assert sorted(map(str, items(kustomization["resources"]))) == sorted(set(MANIFESTS) - {"kustomization.yaml"})
    (image,) = items(kustomization["images"])
    images = {str(container(one)["image"]).partition(":")[0] for one in of_kind("Deployment").values()}
    assert images == {str(tree(image)["name"])}
    assert tree(image)["newTag"] == VERSION


# Agreement


def test_everything_that_runs_outlives_its_work() -> None:
    """No attempt of a concept takes longer than the worker's grace, and no container is killed before its process."""
    attempts = [
        policy["start_to_close_timeout"]
        for name, policy in vars(policies).items()
        if isinstance(policy, dict) and name.isupper() and not name.endswith("RETENTION")
    ]
    assert len(attempts) >= 7
    assert max(attempts) < GRACE
    for file in COMPOSE:
        assert seconds(services(file)["worker"]["stop_grace_period"]) > GRACE.total_seconds()
    ends_within_s = GRACE_S + LAST_ANSWERS_S + LAST_SPANS_S
    assert ends_within_s < CLOUD_RUN_LEAVES_S
    assert seconds(services(COMPOSE[0])["bridge"]["stop_grace_period"]) > ends_within_s
    for name, deployment in of_kind("Deployment").items():
        grace = pod(deployment)["terminationGracePeriodSeconds"]
        assert isinstance(grace, int)
        works = name in {"concept-network", "concept-render", "concept-paid"}
        assert timedelta(seconds=grace) > (GRACE if works else timedelta(seconds=ends_within_s)), name


def test_each_queue_has_workers_that_grow_with_it() -> None:
    """Every deployment of workers is scaled by the queues that it polls, under the names that the code derives."""
    told = tree(of_kind("ConfigMap")["concept-worker"]["data"])
    network = str(told["CONCEPT_TASK_QUEUE"])
    choices = ("IMAGE_PROVIDER", "PALETTE_PROVIDER", "PALETTE_FALLBACK")
    providers = sorted({str(told.get(f"CONCEPT_{choice}", "none")) for choice in choices} - {"none"})
    expected = {
        "network": [network],
        "render": [render_queue(network)],
        "paid": [paid_queue(network, provider) for provider in providers],
    }
    for kind, queues in expected.items():
        assert items(container(of_kind("Deployment")[f"concept-{kind}"])["command"])[-1] == f"--queues={kind}"
        spec = tree(of_kind("ScaledObject")[f"concept-{kind}"]["spec"])
        assert tree(spec["scaleTargetRef"])["name"] == f"concept-{kind}"
        triggers = [tree(tree(trigger)["metadata"]) for trigger in items(spec["triggers"])]
        assert [trigger["taskQueue"] for trigger in triggers] == queues
        assert {trigger["endpoint"] for trigger in triggers} == {told["TEMPORAL_ADDRESS"]}
        assert {trigger["namespace"] for trigger in triggers} == {told["TEMPORAL_NAMESPACE"]}


def test_manifests_set_only_settings_that_exist() -> None:
    """A misspelt variable would only be a warning in a log; secrets are in no manifest."""
    named = set(tree(of_kind("ConfigMap")["concept-worker"]["data"]))
    for deployment in of_kind("Deployment").values():
        named |= {str(tree(one)["name"]) for one in items(container(deployment).get("env", []))}
    ours = {name for name in named if name.startswith("CONCEPT_")}
    assert ours <= set(Settings.variables())
    assert not {name for name in ours if re.search("KEY|TOKEN|SERVICE_ROLE", name)}


def test_containers_can_do_little() -> None:
    """No root, nothing writable but data and scratch, no capabilities, no account of the cluster, no way to more."""
    for name, deployment in of_kind("Deployment").items():
        assert pod(deployment)["automountServiceAccountToken"] is False, name
        assert tree(pod(deployment)["securityContext"])["runAsNonRoot"] is True, name
        context = tree(container(deployment)["securityContext"])
        assert context["allowPrivilegeEscalation"] is False, name
        assert context["readOnlyRootFilesystem"] is True, name
        assert tree(context["capabilities"])["drop"] == ["ALL"], name
    for name in OURS:
        service = services(COMPOSE[0])[name]
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
    parts = re.split(r"^FROM .+ AS ([\w-]+)$", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    stages = dict(zip(parts[1::2], parts[2::2], strict=False))
    for name in ("development", "production"):  # after the copies: no builder makes the user the owner of the code
        assert stages[name].rstrip().endswith("\nUSER 10001:10001"), name
    for file in COMPOSE:
        for name, service in services(file).items():
            for port in items(service.get("ports", [])):
                assert str(port).startswith("127.0.0.1:"), name


def test_images_are_pinned() -> None:
    """No tag that means something else tomorrow; server and tools are of one version."""
    images = {name: str(service["image"]) for name, service in services(COMPOSE[0]).items()}
    foreign = {image for image in images.values() if image != "concept-worker"}
    assert all(re.fullmatch(r"[a-z/-]+:\d+(\.\d+)*", image) for image in foreign)
    assert images["schema"].partition(":")[2] == images["temporal"].partition(":")[2]


def test_the_compose_file_starts_in_order() -> None:
    """Database, schema, server, namespace, then ours: each waits for the one before to be done or healthy."""
    all_of_them = services(COMPOSE[0])
    order = [("schema", "postgres"), ("temporal", "schema"), ("namespace", "temporal"), ("worker", "namespace")]
    for later, earlier in [*order, ("bridge", "namespace"), ("ui", "temporal")]:
        condition = tree(tree(all_of_them[later]["depends_on"])[earlier])["condition"]
        ends = earlier in {"schema", "namespace"}
        assert condition == ("service_completed_successfully" if ends else "service_healthy")
        assert ends or "healthcheck" in all_of_them[earlier]


def test_search_attributes_are_made_everywhere() -> None:
    """The development server and the namespace's script know what workflows will carry."""
    development = services(COMPOSE[1])["temporal"]["command"]
    script = (ROOT / "deploy" / "temporal" / "namespace.sh").read_text()
    for key in SEARCH_ATTRIBUTES:
        assert f"--search-attribute={key.name}=Keyword" in items(development)
        assert key.name in script


def test_servers_are_told_what_is_promised() -> None:
    """On the servers of both compose files stopping workers lose no task, and users take turns."""
    dynamic = _TREE.validate_python(yaml.safe_load((ROOT / "deploy" / "temporal" / "dynamic.yaml").read_text()))
    assert set(dynamic) == {"frontend.enableCancelWorkerPollsOnShutdown", "matching.enableFairness"}
    assert all(values == [{"value": True}] for values in dynamic.values())
    flags = {f"--dynamic-config-value={name}=true" for name in dynamic}
    assert flags <= set(map(str, items(services(COMPOSE[1])["temporal"]["command"])))


def test_what_is_documented_reaches_the_containers() -> None:
    """Variables of traces and Google's project go to every program, Google's credentials to those of Pub/Sub alone."""
    documented = set(re.findall(r"\bOTEL_[A-Z_]+[A-Z]\b", (ROOT / "docs" / "operating.md").read_text()))
    assert len(documented) >= 5
    for name in OURS:
        service = services(COMPOSE[0])[name]
        given = dict.fromkeys((*documented, "GOOGLE_CLOUD_PROJECT"), "set")
        outside = environment_of(service)
        assert {variable: environment_of(service, **given)[variable] for variable in given} == given
        assert not set(given) & set(outside), "an empty value is not the same as none"
        mounted = [str(volume).partition(":/run/") for volume in items(service["volumes"]) if ":/run/" in str(volume)]
        if name not in {"bridge", "starter"}:
            assert not mounted
            continue
        (place,) = mounted
        assert place[0] == "${GOOGLE_APPLICATION_CREDENTIALS:-/dev/null}"
        variable = "GOOGLE_APPLICATION_CREDENTIALS"
        assert environment_of(service)[variable] == ""
        assert (
            environment_of(service, **{variable: "/somewhere/key.json"})[variable]
            == f"/run/{place[2].removesuffix(':ro')}"
        )
    script = (ROOT / "deploy" / "temporal" / "namespace.sh").read_text()
    read = set(re.findall(r"\$\{?([A-Z_]+)", script))
    assert read == set(tree(services(COMPOSE[0])["namespace"]["environment"])) - {"TEMPORAL_ADDRESS"}


def test_no_pip_is_left_in_the_image(tmp_path: Path) -> None:
    """Python's own image brings pip and a wheel of it: the recipe removes both, and nothing where there is none."""
    recipe = (ROOT / "Dockerfile").read_text()
    (line,) = re.findall(r"^RUN (rm -rf /usr/local/.*)$", recipe, re.MULTILINE)
    with_pip, without = tmp_path / "with", tmp_path / "without"
    library = with_pip / "lib" / "python3.13"
    for kept in (
        library / "site-packages" / "README.txt",
        library / "venv" / "__init__.py",
        with_pip / "bin" / "python3",
    ):
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.touch()
    kept_files = {path for path in with_pip.rglob("*") if path.is_file()}
    for name in ("bin/pip3.13", "bin/pip", "lib/python3.13/site-packages/pip/__init__.py"):
        (with_pip / name).parent.mkdir(parents=True, exist_ok=True)
        (with_pip / name).touch()
    for name in ("site-packages/pip-26.0.dist-info/METADATA", "ensurepip/_bundled/pip-26.0-py3-none-any.whl"):
        (library / name).parent.mkdir(parents=True, exist_ok=True)
        (library / name).touch()
    without.mkdir()
    for root in (with_pip, without):
        subprocess.run(["/bin/sh", "-euc", line.replace("/usr/local", str(root))], check=True)
    assert {path for path in with_pip.rglob("*") if path.is_file()} == kept_files
    assert not list(without.iterdir())


def test_a_collector_can_be_reached() -> None:
    """What docs/operating.md shows as the place of traces is let out of the cluster's walls."""
    (port,) = re.findall(r"OTEL_EXPORTER_OTLP_ENDPOINT=http://\S+?:(\d+)", (ROOT / "docs" / "operating.md").read_text())
    egress = items(tree(of_kind("NetworkPolicy")["concept-worker"]["spec"])["egress"])
    ports = {tree(one)["port"] for rule in egress for one in items(tree(rule)["ports"])}
    assert int(port) in ports


def test_what_a_cluster_may_name_otherwise_is_listed() -> None:
    """Every namespace that the network policies know by name is in docs/deployment.md."""
    texts = [
        (ROOT / "deploy" / "kubernetes" / "network.yaml").read_text(),
        (ROOT / "docs" / "deployment.md").read_text(),
    ]
    named = set(re.findall(r"kubernetes.io/metadata.name: (\S+)", texts[0]))
    assert len(named) == 4
    assert all(f"`{name}`" in texts[1] for name in named)


# What the containers run


def environment_of(service: Tree, **given: str) -> dict[str, str]:
    """The service's environment as compose would work it out, where the operator has set what is given."""

    def filled(value: Node) -> str:
        match = re.fullmatch(r"\$\{([A-Z_]+):([-+])(.*)\}", str(value))
        if match is None:
            return str(value)
        if match[2] == "+":
            return match[3] if given.get(match[1]) else ""
        return given.get(match[1], match[3])

    told = tree(service["environment"])
    passed = {name: given[name] for name, value in told.items() if value is None and name in given}
    return {name: filled(value) for name, value in told.items() if value is not None} | passed


@pytest.mark.usefixtures("client")  # search attributes are there, as after the namespace's script
@pytest.mark.parametrize("name", ["worker", "bridge", "codec"])
async def test_what_the_compose_file_runs_comes_up(shell: Shell, server: EmbeddedServer, name: str) -> None:
    """The very command with the very environment, but for addresses and folders: ready, and gone after SIGTERM."""
    service = services(COMPOSE[0])[name]
    given = {
        "CONCEPT_PUSH_AUDIENCE": "https://bridge.example.com",
        "CONCEPT_PUSH_SERVICE_ACCOUNT": "push@project.example",
        "CONCEPT_ENCRYPTION_KEYS": "a:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        "CONCEPT_CODEC_TOKEN": "t" * 32,
        "CONCEPT_TASK_QUEUE": f"test-{uuid.uuid4()}",
    }
    address = free_address()
    port = address.rpartition(":")[2]
    environment = environment_of(service, **given) | {
        "TEMPORAL_ADDRESS": server.address,
        "CONCEPT_DATA_DIR": str(shell.data),
    }
    for variable in {"CONCEPT_HEALTH_ADDRESS", "CONCEPT_METRICS_ADDRESS"} & set(environment):
        environment[variable] = address if variable == "CONCEPT_HEALTH_ADDRESS" else free_address()
    python, program, *arguments = (str(part) for part in items(service["command"]))
    arguments = [re.sub(r"--port=\d+", f"--port={port}", argument) for argument in arguments]
    assert python == "python"
    probe = str(items(tree(service["healthcheck"])["test"])[-1])
    assert re.search(r"http://127\.0\.0\.1:\d+/readyz", probe)
    process = await shell.start(program, *arguments, **environment)
    ending = asyncio.create_task(finish(process))

    async def is_ready() -> bool:
        assert process.returncode is None, "it has ended"
        return await fetch(address, "/readyz") == (200, '{"status":"ready"}')

    try:
        await until(is_ready, timeout_s=60)
        checked = await asyncio.create_subprocess_exec(sys.executable, "-c", re.sub(r"1:\d+/", f"1:{port}/", probe))
        assert await checked.wait() == 0
    finally:
        process.terminate()
        ended = await ending
    assert (ended.code, ended.out) == (0, ""), ended.err


async def test_the_manifests_commands_exist(shell: Shell) -> None:
    """Each command of a manifest is a program of ours that knows its options."""
    for name, deployment in of_kind("Deployment").items():
        python, program, *arguments = (str(part) for part in items(container(deployment)["command"]))
        assert python == "python"
        ended = await shell.run(program, *arguments, "--help")
        assert ended.code == 0, (name, ended.err)


async def test_the_namespaces_script_may_run_again(tmp_path: Path) -> None:
    """With Temporal's own command line: a namespace with the attributes, and no error the second time."""
    server = await EmbeddedServer.start()
    namespace = f"made-{uuid.uuid4().hex[:8]}"
    environment = {
        "PATH": f"{Path(find_temporal()).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "TEMPORAL_ADDRESS": server.address,
        "TEMPORAL_NAMESPACE": namespace,
    }
    for _ in range(2):
        process = await asyncio.create_subprocess_exec(
            "sh",
            str(ROOT / "deploy" / "temporal" / "namespace.sh"),
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        ended = await finish(process)
        assert ended.code == 0, ended.err
    client = await Client.connect(server.address, namespace=namespace)
    known = await client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace=namespace))
    assert {key.name for key in SEARCH_ATTRIBUTES} <= set(known.custom_attributes)
    await server.stop()
