"""A cluster of Ray in a process of its own: it starts with one node; the lines of its input add and remove others."""

import importlib.util
import json
import os
import socket
import subprocess
import sys


class Nodes:
    """The cluster, seen from the tests; ends with the context.

    Attributes:
        address: where drivers find it.
        client: where Ray Client finds it; empty where that is not installed.
    """

    def __init__(self, env):
        self._env = os.environ | env
        self._raylets = {}

    def __enter__(self):
        command = [sys.executable, __file__]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        self._process = subprocess.Popen(command, env=self._env, **pipes)
        answer = self._answer()
        self.address, self.client = answer["address"], answer["client"]
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()

    @property
    def raylets(self):
        """The process of each node, whose children are its workers."""
        return set(self._raylets.values())

    def add(self):
        """Add a node with one CPU; gives its number."""
        return self._ordered("add")["number"]

    def remove(self, number):
        """Kill a node, as a power cut does."""
        self._ordered(f"remove {number}")

    def _ordered(self, order):
        self._process.stdin.write(f"{order}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self):
        while not (line := self._process.stdout.readline()).startswith("{"):
            assert line, "the cluster has ended"
        answer = json.loads(line)
        self._raylets = answer["raylets"]
        return answer


def free_port():
    """One at which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def main():
    """Be the cluster."""
    from ray.cluster_utils import Cluster

    args, client = {"num_cpus": 2, "include_dashboard": False}, ""
    if importlib.util.find_spec("grpc"):
        args["ray_client_server_port"] = port = free_port()
        client = f"ray://127.0.0.1:{port}"
    cluster, nodes = Cluster(initialize_head=True, head_node_args=args), {}

    def answer(**facts):
        raylets = {n.node_id: n.all_processes["raylet"][0].process.pid for n in cluster.list_all_nodes()}
        sys.stdout.write(json.dumps({"raylets": raylets, **facts}) + "\n")
        sys.stdout.flush()

    answer(address=cluster.address, client=client)
    for line in sys.stdin:
        if line.startswith("add"):
            number = len(nodes)
            nodes[number] = cluster.add_node(num_cpus=1)
            answer(number=number)
        else:
            cluster.remove_node(nodes[int(line.split()[1])], allow_graceful=False)
            answer()
    cluster.shutdown()


if __name__ == "__main__":
    main()
