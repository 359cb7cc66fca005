"""Model servers that run the recipes of examples/, each in processes of its own, with two workers."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"
MODEL = """
import io
from pathlib import Path
from PIL import Image

def predict(image):
    with Image.open(io.BytesIO(image) if isinstance(image, bytes) else image) as picture:
        picture.load()
    return {"boxes": [[40.0, 30.0, 60.0, 50.0]], "labels": [1], "scores": [0.5]}
"""
DEPLOYMENT = """
import sys
import ray
from ray import serve
import serve_ray
ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _temp_dir=sys.argv[2])
serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
try:
    serve.run(serve_ray.Detector.options(num_replicas=2, ray_actor_options={"num_cpus": 0.1}).bind(), blocking=True)
finally:
    serve.shutdown()
"""


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


class Service:
    """One server, started and stopped as often as one likes; all that it starts has the outbox in its environment."""

    def __init__(self, folder, settings):
        """Say where its files are, and what its environment has besides."""
        self.folder, self.port = folder, free_port()
        (folder / "my_model.py").write_text(MODEL)
        self.environment = {**os.environ, **settings, "PYTHONPATH": f"{folder}:{EXAMPLES}"}
        self._mark = f"BOXFERRY_OUTBOX={settings['BOXFERRY_OUTBOX']}".encode()
        self.process = None

    def start(self):
        """Begin, and wait until it answers."""
        with (self.folder / "service.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        end = time.monotonic() + 90
        while not self.ready():
            assert self.process.poll() is None, (self.folder / "service.log").read_text()
            assert time.monotonic() < end, (self.folder / "service.log").read_text()
            time.sleep(0.1)

    def ready(self):
        """Whether it answers requests."""
        with suppress(OSError):
            return self.call(self.health, None)[0] == 200
        return False

    def call(self, path, body, kind="application/json"):
        """The status and the body of an answer."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body, {"Content-Type": kind})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def terminate(self):
        """End it as an orchestrator does."""
        self.process.send_signal(self.ends_by)
        self.process.wait(60)
        self._wait_until_gone()

    def kill(self):
        """End all of its processes at once, as a power cut does."""
        for pid in self._pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.process:
            self.process.wait(30)
        self._wait_until_gone()

    def clear(self):
        """Remove what is not in its folder."""

    def _wait_until_gone(self):
        end = time.monotonic() + 30
        while self._pids():
            assert time.monotonic() < end, "processes of the service are left"
            time.sleep(0.05)

    def _pids(self):
        found = []
        for environ in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                if self._mark in environ.read_bytes().split(b"\0"):
                    found.append(int(environ.parent.name))
        return found

    ends_by = signal.SIGTERM


class BentoML(Service):
    needs, health = "bentoml", "/readyz"

    def command(self):
        self.environment |= {
            "BENTOML_HOME": str(self.folder / "home"),
            "BENTOML_DO_NOT_TRACK": "1",
            "BENTOML_CONFIG_OPTIONS": "services.Detector.workers=2",
        }
        command = [sys.executable, "-m", "bentoml", "serve", "serve_bentoml:Detector", "--host", "127.0.0.1"]
        return [*command, "--working-dir", str(EXAMPLES), "--port", str(self.port)]

    def ask(self, data):
        edge = "x" * 20
        head = f'--{edge}\r\nContent-Disposition: form-data; name="image"; filename="image.png"\r\n'
        body = f"{head}Content-Type: image/png\r\n\r\n".encode() + data + f"\r\n--{edge}--\r\n".encode()
        status, answer = self.call("/detect", body, f"multipart/form-data; boundary={edge}")
        return status, json.loads(answer).get("boxes")


class Ray(Service):
    needs, health = "ray.serve", "/-/healthz"
    ends_by = signal.SIGINT

    def __init__(self, *given):
        super().__init__(*given)
        self._temporary = tempfile.mkdtemp(prefix="ray", dir="/tmp")

    def command(self):
        self.environment |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
        self.environment |= {"RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
        return [sys.executable, "-c", DEPLOYMENT, str(self.port), self._temporary]

    def clear(self):
        """Remove Ray's own folder, whose path has to be short for its sockets."""
        shutil.rmtree(self._temporary, ignore_errors=True)

    def ask(self, data):
        status, answer = self.call("/", data, "application/octet-stream")
        return status, json.loads(answer)["boxes"] if status == 200 else None


class Triton(Service):
    needs, health = "pytriton", "/v2/health/ready"

    def command(self):
        import pytriton

        there = Path(pytriton.__file__).parent
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        back_end = self.folder / "backends" / "python"
        if not back_end.exists():  # the package has a stub for each version of Python, of which the server takes one
            shutil.copytree(there / "tritonserver/backends/python", back_end)
            shutil.copy(there / f"tritonserver/python_backend_stubs/{version}/triton_python_backend_stub", back_end)
            self._model()
        libraries = f"{there.parent}/nvidia_pytriton.libs:{sysconfig.get_config_var('LIBDIR')}"
        self.environment |= {"LD_LIBRARY_PATH": libraries}
        self.environment["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # of this environment
        ports = ["--http-address", "127.0.0.1", "--http-port", str(self.port)]
        back_ends = ["--backend-directory", str(self.folder / "backends"), "--allow-grpc", "false"]
        server = str(there / "tritonserver/bin/tritonserver")
        return [
            server,
            "--model-repository",
            str(self.folder / "models"),
            *back_ends,
            *ports,
            "--allow-metrics",
            "false",
        ]

    def _model(self):
        """The recipe, with the configuration that it has in its first lines."""
        recipe = (EXAMPLES / "serve_triton.py").read_text()
        config = [line for line in recipe.split('"""')[1].splitlines() if line.startswith("    ")]
        (self.folder / "models/detector/1").mkdir(parents=True)
        (self.folder / "models/detector/1/model.py").write_text(recipe)
        instances = "instance_group { count: 2 kind: KIND_CPU }"
        (self.folder / "models/detector/config.pbtxt").write_text("\n".join([*config, instances]))

    def ask(self, data):
        """In its JSON, with the image after it."""
        image = len(data).to_bytes(4, "little") + data
        sizes = {"binary_data_size": len(image)}
        tensor = {"name": "IMAGE", "shape": [1], "datatype": "BYTES", "parameters": sizes}
        head = json.dumps({"inputs": [tensor]}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/v2/models/detector/infer",
            head + image,
            {"Inference-Header-Content-Length": str(len(head)), "Content-Type": "application/octet-stream"},
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                outputs = {each["name"]: each["data"] for each in json.loads(answer.read())["outputs"]}
        except urllib.error.HTTPError as error:
            with error:
                return error.code, None
        flat = outputs["BOXES"]
        return 200, [flat[start : start + 4] for start in range(0, len(flat), 4)]
