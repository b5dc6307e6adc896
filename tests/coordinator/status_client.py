"""A client made from the .proto file alone, against the program itself.

    status_client.py LENS_COORDINATOR COORDINATOR_PLAN PROTO_FOLDER

Certificates, token and address come from the run directory, as
docs/protocol.md says.
"""

import importlib
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import grpc
from grpc_tools import protoc

COORDINATOR, PLAN, PROTO_FOLDER = sys.argv[1:4]
DEADLINE = 5


def generate(folder):
    well_known = pathlib.Path(protoc.__file__).with_name("_proto")
    arguments = ["protoc", f"-I{PROTO_FOLDER}", f"-I{well_known}",
                 f"--python_out={folder}", f"--grpc_python_out={folder}",
                 "lens/v1/coordinator.proto"]
    assert protoc.main(arguments) == 0
    sys.path.insert(0, folder)
    return (importlib.import_module("lens.v1.coordinator_pb2"),
            importlib.import_module("lens.v1.coordinator_pb2_grpc"))


GENERATED = tempfile.TemporaryDirectory()
pb2, pb2_grpc = generate(GENERATED.name)


class Connection:
    """The 15 lines of docs/protocol.md."""

    def __init__(self, run):
        address = json.loads((run / "coordinator.json").read_text())
        read = lambda name: (run / ".auth" / name).read_bytes()
        credentials = grpc.ssl_channel_credentials(
            read("authority.pem"), read("client.key"), read("client.pem"))
        self.address = address
        self.channel = grpc.secure_channel(
            f"{address['host']}:{address['port']}", credentials,
            [("grpc.ssl_target_name_override", "lens-coordinator"),
             ("grpc.enable_http_proxy", 0)])
        self.stub = pb2_grpc.CoordinatorStub(self.channel)
        self.metadata = [("authorization",
                          "Bearer " + read("token").decode().strip())]

    def call(self, method, request):
        return getattr(self.stub, method)(
            request, metadata=self.metadata, timeout=DEADLINE)

    def status(self):
        return self.call("GetStatus", pb2.GetStatusRequest())

    def raw(self, path, request, stream=False, metadata=None):
        kind = self.channel.stream_stream if stream else self.channel.unary_unary
        call = kind(path, lambda message: message, lambda message: message)
        sent = iter([request]) if stream else request
        return call(sent, timeout=DEADLINE,
                    metadata=self.metadata if metadata is None else metadata)


class StatusClient(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.run = pathlib.Path(self.folder.name)
        self.plan = json.loads(
            subprocess.check_output([PLAN, str(self.run)]))
        self.processes = []
        self.addCleanup(self.kill_all)

    def kill_all(self):
        for process in self.processes:
            process.kill()
            process.communicate()

    def start(self, *flags, expect_address=True):
        process = subprocess.Popen(
            [COORDINATOR, str(self.run), *flags], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.processes.append(process)
        until = time.monotonic() + DEADLINE
        while expect_address and time.monotonic() < until:
            try:
                connection = Connection(self.run)
                if connection.address["pid"] == process.pid:
                    return process, connection
            except FileNotFoundError:
                pass
            if process.poll() is not None:
                self.fail(process.stderr.read())
            time.sleep(0.02)
        return process, None

    def join(self, connection, pid=1):
        return connection.call("Join", pb2.JoinRequest(
            run_id=self.plan["run_id"], host="python", pid=pid, world_size=1,
            device_name="CPU")).worker_id

    def acquire(self, connection, worker):
        return connection.call("Acquire", pb2.AcquireRequest(worker_id=worker))

    def commit(self, connection, worker, lease):
        unit = self.plan["units"][lease.unit]
        name = (f"parts/{unit['dataset']}/{lease.unit:06d}."
                f"{lease.token.epoch}-{lease.token.number}.h5")
        (self.run / name).parent.mkdir(parents=True, exist_ok=True)
        (self.run / name).write_bytes(b"x" * 50)
        return connection.call("Commit", pb2.CommitRequest(
            worker_id=worker, token=lease.token, unit=lease.unit,
            part_file=name, part_bytes=50, content_sha256="0" * 64,
            samples_ok=unit["samples"] - 1, samples_failed=1, tokens=7))

    def counts(self, status):
        return {d.name: (d.total, d.done, d.failed) for d in status.datasets}

    def expected(self, committed):
        counts = {name: [total, 0, 0]
                  for name, total in self.plan["datasets"].items()}
        for unit in committed:
            entry = counts[self.plan["units"][unit]["dataset"]]
            entry[1] += self.plan["units"][unit]["samples"]
            entry[2] += 1
        return {name: tuple(entry) for name, entry in counts.items()}

    def test_status_equals_the_plan_and_then_what_was_done(self):
        process, connection = self.start()
        status = connection.status()
        self.assertEqual(status.state, pb2.RUN_STATE_RUNNING)
        self.assertEqual(status.run_id, self.plan["run_id"])
        self.assertEqual(status.epoch, 1)
        self.assertEqual(status.units_total, len(self.plan["units"]))
        self.assertEqual(self.counts(status), self.expected([]))
        self.assertFalse(status.HasField("eta"))

        worker = self.join(connection)
        committed = []
        while True:
            answer = self.acquire(connection, worker)
            if answer.HasField("leave"):
                break
            self.commit(connection, worker, answer.lease)
            committed.append(answer.lease.unit)
            status = connection.status()
            self.assertEqual(status.units_committed, len(committed))
            self.assertEqual(self.counts(status), self.expected(committed))
        self.assertEqual(answer.leave.reason, pb2.LEAVE_REASON_COMPLETE)
        self.assertEqual(committed, list(range(len(self.plan["units"]))))
        self.assertEqual(process.wait(DEADLINE), 0)
        self.assertFalse((self.run / "coordinator.json").exists())
        self.assertEqual(process.stderr.read(), "")

    def test_killed_coordinator_goes_on_from_its_ledger(self):
        process, connection = self.start()
        worker = self.join(connection)
        first = self.acquire(connection, worker).lease
        second = self.acquire(connection, worker).lease
        self.commit(connection, worker, first)
        process.kill()
        process.wait()

        process, connection = self.start()
        status = connection.status()
        self.assertEqual(status.epoch, 2)
        self.assertEqual(status.units_committed, 1)
        with self.assertRaises(grpc.RpcError) as unknown:
            self.acquire(connection, worker)
        self.assertEqual(unknown.exception.code(), grpc.StatusCode.NOT_FOUND)
        worker = self.join(connection)
        self.commit(connection, worker, first)
        with self.assertRaises(grpc.RpcError) as stale:
            self.commit(connection, worker, second)
        self.assertEqual(stale.exception.code(),
                         grpc.StatusCode.FAILED_PRECONDITION)
        self.assertEqual(self.acquire(connection, worker).lease.unit,
                         second.unit)

    def test_strangers_are_refused(self):
        _, connection = self.start()
        connection.metadata = []
        with self.assertRaises(grpc.RpcError) as error:
            connection.status()
        self.assertEqual(error.exception.code(),
                         grpc.StatusCode.UNAUTHENTICATED)

    def test_health_and_reflection_answer_behind_the_token(self):
        _, connection = self.start("--reflection")
        name = b"lens.v1.Coordinator"
        health = connection.raw("/grpc.health.v1.Health/Check",
                                b"\x0a" + bytes([len(name)]) + name)
        self.assertEqual(health, b"\x08\x01")
        path = ("/grpc.reflection.v1alpha.ServerReflection/"
                "ServerReflectionInfo")
        services = next(connection.raw(path, b"\x3a\x01*", stream=True))
        self.assertIn(name, services)
        with self.assertRaises(grpc.RpcError) as error:
            next(connection.raw(path, b"\x3a\x01*", stream=True, metadata=[]))
        self.assertEqual(error.exception.code(),
                         grpc.StatusCode.UNAUTHENTICATED)

    def test_reflection_is_off_unless_asked_for(self):
        _, connection = self.start()
        path = ("/grpc.reflection.v1alpha.ServerReflection/"
                "ServerReflectionInfo")
        with self.assertRaises(grpc.RpcError) as error:
            next(connection.raw(path, b"\x3a\x01*", stream=True))
        self.assertEqual(error.exception.code(),
                         grpc.StatusCode.UNIMPLEMENTED)

    def test_second_coordinator_is_refused_in_one_line(self):
        _, connection = self.start()
        begin = time.monotonic()
        second, _ = self.start(expect_address=False)
        _, stderr = second.communicate(timeout=DEADLINE)
        self.assertLess(time.monotonic() - begin, 2.5)
        self.assertEqual(second.returncode, 1)
        self.assertEqual(stderr.count("\n"), 1)
        self.assertIn("another coordinator runs", stderr)
        self.assertEqual(connection.status().epoch, 1)

    def test_signals_and_the_drain_call_end_with_75(self):
        for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT, None):
            with self.subTest(signal=number):
                process, connection = self.start("--linger", "3")
                worker = self.join(connection)
                lease = self.acquire(connection, worker).lease
                if number is None:
                    connection.call("Drain", pb2.DrainRequest())
                else:
                    process.send_signal(number)
                beat = pb2.HeartbeatResponse()
                while not beat.draining:
                    beat = connection.call("Heartbeat", pb2.HeartbeatRequest(
                        worker_id=worker, leases=[pb2.LeaseProgress(
                            token=lease.token, unit=lease.unit)]))
                connection.call("Heartbeat", pb2.HeartbeatRequest(
                    worker_id=worker, leaving=True))
                self.assertEqual(process.wait(DEADLINE), 75)
                self.assertFalse((self.run / "coordinator.json").exists())

    def test_watch_sends_changes_until_the_end(self):
        process, connection = self.start("--linger", "0")
        stream = connection.stub.WatchStatus(
            pb2.WatchStatusRequest(), metadata=connection.metadata)
        self.assertFalse(next(stream).draining)
        connection.call("Drain", pb2.DrainRequest())
        states = [status.draining for status in stream]
        self.assertTrue(all(states))
        self.assertEqual(process.wait(DEADLINE), 75)

    def test_failed_run_ends_with_one_and_its_reason(self):
        process, connection = self.start("--linger", "0")
        worker = self.join(connection)
        # A unit that failed comes again behind the others.
        for _ in range(4 * len(self.plan["units"])):
            answer = self.acquire(connection, worker)
            if answer.HasField("leave"):
                break
            connection.call("Fail", pb2.FailRequest(
                worker_id=worker, token=answer.lease.token,
                unit=answer.lease.unit,
                failure_class=pb2.FAILURE_CLASS_CHECK, reason="off by 3"))
        self.assertEqual(process.wait(DEADLINE), 1)
        stderr = process.stderr.read()
        self.assertEqual(stderr.count("\n"), 1)
        self.assertIn("off by 3", stderr)

    def test_secrets_are_neither_printed_nor_in_the_address(self):
        process, connection = self.start("--linger", "0")
        token = (self.run / ".auth" / "token").read_text()
        self.assertEqual(len(token), 64)
        self.assertNotIn(token, (self.run / "coordinator.json").read_text())
        arguments = pathlib.Path(f"/proc/{process.pid}/cmdline").read_text()
        self.assertNotIn(token, arguments)
        connection.call("Drain", pb2.DrainRequest())
        stdout, stderr = process.communicate(timeout=DEADLINE)
        self.assertNotIn(token, stdout + stderr)

    def test_wrong_use_and_missing_plan_have_their_codes(self):
        usage = subprocess.run([COORDINATOR], capture_output=True)
        self.assertEqual(usage.returncode, 2)
        far = subprocess.run(
            [COORDINATOR, str(self.run), "--insecure-loopback", "--bind",
             "0.0.0.0"], capture_output=True, text=True)
        self.assertEqual(far.returncode, 1)
        self.assertEqual(far.stderr.count("\n"), 1)
        nothing = subprocess.run([COORDINATOR, str(self.run / "none")],
                                 capture_output=True, text=True)
        self.assertEqual(nothing.returncode, 1)
        self.assertEqual(nothing.stderr.count("\n"), 1, nothing.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
