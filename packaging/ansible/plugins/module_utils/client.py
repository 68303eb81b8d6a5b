# Copyright: the packd authors
# SPDX-License-Identifier: Apache-2.0
"""The client of packd's socket: HTTP/1.1 and JSON over a Unix socket, by the standard library alone."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import http.client
import json
import os
import re
import socket
import time
import uuid
from urllib.parse import quote, urlencode

from ansible_collections.packd.packd.plugins.module_utils import local

# Switches of packctl that hints name, and that modules have as parameters.
SWITCH = re.compile("`--(cascade|change-origin|force|pre|skip-deps|skip-tests)`")

DEFAULT_SOCKET = "/run/packd/packd.sock"

# The longest that one answer is waited for, in seconds; a job that takes longer is asked for again.
WAIT = 60

# What every module takes.
COMMON = dict(
    socket=dict(type="path"),
    timeout=dict(type="int", default=1800),
)


class PackdError(Exception):
    """Why packd did not do what was asked: one line, and the problem document where there is one."""

    def __init__(self, message, problem=None):
        super().__init__(message)
        self.problem = problem or {}

    @classmethod
    def of_problem(cls, problem):
        lines = [problem.get("detail") or problem.get("title") or "packd refused the request"]
        lines += problem.get("causes") or []
        message = ": ".join(line for line in lines if line)
        if problem.get("hint"):
            message += "; hint: " + SWITCH.sub(lambda found: "`%s: true`" % found.group(1).replace("-", "_"), problem["hint"])
        return cls(message, problem)

    @property
    def kind(self):
        return self.problem.get("kind")


class _Connection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("packd", timeout=timeout)
        self._path = path

    def connect(self):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(self.timeout)
            connection.connect(self._path)
        except OSError:
            connection.close()
            raise
        self.sock = connection


class Client:
    """Asks packd. One connection for each request."""

    def __init__(self, path=None, timeout=1800):
        self._path = path or os.environ.get("PACKD_SOCKET") or DEFAULT_SOCKET
        self._timeout = timeout

    def get(self, path, absent=None):
        """The document at a path; with `absent`, a kind of problem, None where that is the answer."""
        try:
            return self._ask("GET", path)
        except PackdError as error:
            if absent is not None and error.kind == absent:
                return None
            raise

    def change(self, method, path, body=None, query=None):
        """Changes something that makes no job."""
        return self._ask(method, path, body, query)

    def job(self, method, path, body=None, query=None):
        """Queues a job and gives it once it has succeeded. A body is a document, or an archive."""
        deadline = time.monotonic() + self._timeout
        query = dict(query or {}, wait=min(WAIT, self._timeout))
        job = self._ask(method, path, body, query)
        while job["status"] in ("queued", "running"):
            left = int(deadline - time.monotonic())
            if left <= 0:
                raise PackdError(
                    "job %d (%s) still runs after %d s; hint: `packctl job watch %d`"
                    % (job["id"], job["summary"], self._timeout, job["id"])
                )
            job = self._ask("GET", "/v1/jobs/%d/wait" % job["id"], query={"wait": min(WAIT, left)})
        if job["status"] != "succeeded":
            problem = job.get("error") or {"detail": "job %d was %s" % (job["id"], job["status"])}
            raise PackdError.of_problem(problem)
        return job

    def _ask(self, method, path, body=None, query=None):
        target = path
        query = {name: value for name, value in (query or {}).items() if value not in (None, False)}
        if query:
            words = {name: "true" if value is True else value for name, value in query.items()}
            target += "?" + urlencode(words)
        headers = {"Accept": "application/json", "User-Agent": "ansible-packd"}
        data = None
        if isinstance(body, local.Archive):
            data = (piece for piece in body.rewound() if piece)
            headers["Content-Type"] = "application/octet-stream"
            headers["Content-Length"] = str(body.bytes)
        elif body is not None:
            data = json.dumps(body).encode("utf-8")
            headers["Content-Type"] = "application/json"
        if method != "GET":
            headers["Idempotency-Key"] = str(uuid.uuid4())
        connection = _Connection(self._path, WAIT + 30)
        try:
            try:
                connection.request(method, target, body=data, headers=headers)
            except (BrokenPipeError, ConnectionResetError):
                # what is refused is refused before all of it was sent
                if connection.sock is None:
                    raise
            answer = connection.getresponse()
            text = answer.read()
        except OSError as error:
            raise PackdError(
                "cannot reach packd at `%s`: %s; hint: see whether it runs: systemctl status packd"
                % (self._path, error.strerror or error)
            )
        except http.client.HTTPException as error:
            raise PackdError("packd at `%s` broke off: %s" % (self._path, type(error).__name__))
        finally:
            connection.close()
        try:
            document = json.loads(text.decode("utf-8")) if text else {}
        except ValueError:
            raise PackdError("what answers at `%s` is not packd" % self._path)
        if answer.status >= 400:
            raise PackdError.of_problem(document)
        return document


def of_module(module):
    """The client that a module's parameters name."""
    return Client(module.params["socket"], module.params["timeout"])


def pack_path(name, *more):
    """The path of a pack."""
    return "/".join(["/v1/packs", quote(name, safe="")] + list(more))


def fail(module, error):
    """Ends the module with what packd says."""
    module.fail_json(msg=str(error), kind=error.kind, problem=error.problem)


def warn(module, job):
    """Passes on what was odd about a job."""
    for warning in job.get("warnings") or []:
        module.warn(warning)


def of_job(module, job):
    """What a module answers with after a job; in check mode the job was a dry run."""
    plan = job.get("plan") or {}
    changes = plan.get("changes") or []
    changed = plan.get("changed", False) if module.check_mode else job["changed"]
    result = {
        "changed": changed,
        "changes": [change for change in changes if change["action"] != "keep"],
        "holds": plan.get("holds") or [],
        "job": job["id"],
        "generation": job.get("generation"),
    }
    if module._diff:
        result["diff"] = diff_of(plan) if changed else []
    return result


def diff_of(plan):
    """The versions and holds before and after, one line each."""
    before, after = [], []
    for change in sorted(plan.get("changes") or [], key=lambda change: change.get("ref") or ""):
        name = change.get("ref") or change.get("source") or "?"
        if change["action"] == "keep":
            continue
        if change.get("from"):
            before.append("%s %s\n" % (name, change["from"]))
        if change["action"] != "remove":
            after.append("%s %s\n" % (name, change.get("to") or "?"))
    for hold in plan.get("holds") or []:
        line = "hold %s" % hold["ref"]
        if hold.get("until"):
            line += " until " + hold["until"]
        if hold.get("reason"):
            line += ": " + hold["reason"]
        (after if hold["held"] else before).append(line + "\n")
    return [
        {
            "before_header": "packs before",
            "after_header": "packs after",
            "before": "".join(before),
            "after": "".join(after),
        }
    ]
